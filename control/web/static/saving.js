// Saving a draft: sent once, proved live, undone with one press; refused, it says why and nothing typed is lost.

import { call, get, Problem } from "./api.js";
import { layOver, showConflict } from "./conflict.js";
import { announce, h } from "./dom.js";
import { showFailing } from "./failing.js";
import { said } from "./reach.js";
import { clearToast, toast } from "./toast.js";

const WAIT_S = 3;
const FOLLOW_S = 60;
const $ = (id) => document.getElementById(id);

export class Saving {
  constructor({ draft, rules, offer, words, isAdmin, saved }) {
    Object.assign(this, { draft, rules, offer, words, isAdmin, saved });
    this.api = `/api/v1/offers/${offer.id}`;
    this.button = $("save");
    this.button.addEventListener("click", () => this.save());
    $("dismiss-refusal").addEventListener("click", () => ($("refusal").hidden = true));
    $("why-refused").addEventListener("click", () => this.explain?.());
  }

  /** Save the draft; `over` is the revision to overwrite where somebody saved meanwhile, `share` percent of the traffic to try it on. */
  async save({ over = null, override = false, share = null } = {}) {
    if (this.rules.open) return this.rules.editor.focus(), announce("Finish the rule that is open first.");
    if (!this.draft.changes && over === null) return;
    const revision = over ?? this.draft.saved.revision;
    const path = `/smart-link?wait=${WAIT_S}${override ? "&override_tests=true" : ""}${share ? `&canary=${share}` : ""}`;
    const [body, sent] = [this.draft.body(), structuredClone(this.draft.rules)];
    const take = (saved) => this.rules.rename(this.draft.settle(sent, saved));
    const send = () => call("PUT", this.api + path, body, { "If-Match": `"${revision}"` });
    await this.send(send, { take, before: revision, retry: () => this.save({ over, override: true, share }) });
  }

  restore(revision, override = false) {
    const path = `/revisions/${revision}/restore?wait=${WAIT_S}${override ? "&override_tests=true" : ""}`;
    const take = (saved) => (this.draft.changes ? layOver(this.draft, saved) : this.draft.load(saved));
    return this.send(() => call("POST", this.api + path), { take, before: null, retry: () => this.restore(revision, true) });
  }

  /** End the trial of `revision`: `promote` publishes it to everyone, `withdraw` takes it back. */
  end(how, revision) {
    const send = () => call("POST", `${this.api}/smart-link/canary/${how}?wait=${WAIT_S}`, undefined, { "If-Match": `"${revision}"` });
    const take = (saved) => (this.draft.changes ? layOver(this.draft, saved) : this.draft.load(saved));
    return this.send(send, { take, before: null });
  }

  /** Try `revision` on another share of the traffic; the draft beside it stays as it is. */
  resize(share, revision) {
    const send = () => call("POST", `${this.api}/smart-link/canary/resize?wait=${WAIT_S}`, { share }, { "If-Match": `"${revision}"` });
    return this.send(send, { take: () => {}, before: null });
  }

  /** Make one `request` that saves; `take` puts what was saved into the draft, `retry` makes it again past failing tests. */
  async send(request, { take, before, retry }) {
    if (this.button.hasAttribute("aria-busy")) return;
    this.busy(true);
    clearToast();
    try {
      const saved = await request();
      $("refusal").hidden = true;
      this.rules.errors = {};
      take(saved);
      $("revision").textContent = `Revision ${saved.revision}, just now`;
      this.saved();
      this.prove(saved, before);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.refused(problem, retry);
    } finally {
      this.busy(false);
    }
  }

  busy(on) {
    if (on) this.button.setAttribute("aria-busy", "true");
    else this.button.removeAttribute("aria-busy");
    this.button.firstChild.textContent = on ? "Saving" : this.button.dataset.words ?? "Save";
  }

  /** Say where the save is live, and keep saying it until it is live everywhere. */
  prove(saved, before) {
    const back = { label: "Take back", run: () => this.end("withdraw", saved.revision) };
    const undo = saved.canary ? back : before ? { label: "Undo", run: () => this.restore(before) } : null;
    const note = saved.canary ? `Revision ${saved.revision}, being tried` : `Revision ${saved.revision}`;
    const line = toast("", { action: undo, stay: !saved.propagation.complete });
    const say = (reach) => {
      const why = reach.refused ? `${reach.refused} refused it` : `${reach.of - reach.live} not answered yet`;
      if (!reach.of) line.say(`Saved. ${said(reach)}.`, note, "off");
      else if (reach.complete) line.say(said(reach), note);
      else line.say(said(reach), why, "warn");
    };
    say(saved.propagation);
    if (!saved.propagation.complete) this.follow(saved.sequence, say, line);
  }

  async follow(sequence, say, line) {
    for (let tries = 0; tries < FOLLOW_S; tries += 1) {
      await new Promise((wake) => setTimeout(wake, 1000));
      const reach = await get(`/api/v1/propagation?sequence=${sequence}`).catch(() => null);
      if (!reach) continue;
      say(reach);
      if (reach.complete) return line.leaveSoon();
    }
  }

  refused(problem, retry) {
    const keepEditing = () => this.button.focus();
    if (problem.status === 412 && this.draft.changes) return this.conflict(problem.body.current, keepEditing);
    if (problem.code !== "tests_failed") return this.tell(problem);
    this.explain = () => showFailing({
      problem, words: this.words, placeOf: (name) => this.draft.placeOf(name), override: this.isAdmin ? retry : null, keepEditing,
    });
    this.say(problem.message, true);
    this.explain();
  }

  async conflict(current, keepEditing) {
    const { draft, offer, words } = this;
    const revision = await get(`${this.api}/revisions/${current.revision}`).catch(() => null);
    const author = revision?.author.kind === "user" ? revision.author.name : "Somebody";
    showConflict({ current, author, draft, offer, words, save: () => this.save({ over: current.revision }), keepEditing });
  }

  /** The server found faults: open the first faulty rule with its message, or say it above the rules. */
  tell(problem) {
    const faults = problem.errors.map((error) => ({ ...error, place: Number(/^rules\.(\d+)/.exec(error.path)?.[1] ?? -1) }));
    const first = faults.find((fault) => fault.place >= 0);
    this.rules.errors = Object.fromEntries(faults.filter((fault) => fault.place < 0).map((fault) => [fault.path, fault.message]));
    const words = faults.map((fault) => `${fault.place >= 0 ? `Rule ${fault.place + 1}: ` : ""}${fault.message}`).join(" ");
    if (!first || faults.length > 1) this.say(words || problem.message);
    if (first) this.rules.edit(this.draft.rules[first.place].key, first.message);
    else this.rules.draw();
  }

  say(words, explained = false) {
    $("refusal").hidden = false;
    $("why-refused").hidden = !explained;
    $("refusal-text").replaceChildren(h("b", {}, "Not saved. "), words);
  }
}
