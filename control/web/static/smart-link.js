// The Smart link tab: one draft, shown as rules, tested beside them, saved at once, proved live.

import { call, get, post, Problem } from "./api.js";
import { announce, button, data, debounce, h, icon, isTyping } from "./dom.js";
import { Draft } from "./draft.js";
import { RuleList } from "./rules.js";
import { sentence } from "./sentence.js";
import { toast } from "./toast.js";
import { VisitorTest } from "./visitor-test.js";

const { offer, link, words, groups, may_edit: mayEdit, prefill } = data("page-data");
const api = `/api/v1/offers/${offer.id}/smart-link`;
const $ = (id) => document.getElementById(id);

const draft = new Draft(link);
const rules = new RuleList({ element: $("rules"), draft, words, groups, offer, shares: null, mayEdit });
const tester = new VisitorTest({ element: $("test-panel"), draft, words, offer });

// -- the draft and its bar

function showState() {
  const changes = draft.changes;
  $("enabled").checked = draft.now.enabled;
  $("enabled-label").textContent = draft.now.enabled ? "Smart link is on" : "Smart link is off";
  $("savebar").hidden = changes === 0;
  $("changes").textContent = changes === 1 ? "1 unsaved change" : `${changes} unsaved changes`;
  $("on-draft").hidden = changes === 0;
}

const check = debounce(async () => {
  const asked = draft.body();
  if (asked.rules.some((rule) => !rule.destination_url)) return;
  const answer = await post(`/ui/offers/${offer.id}/check`, asked).catch(() => null);
  if (!answer || JSON.stringify(asked) !== JSON.stringify(draft.body())) return;
  rules.warn(answer.warnings);
  const count = answer.warnings.filter((warning) => warning.code !== "overlaps").length;
  $("warnings").hidden = count === 0;
  $("warnings").textContent = count === 1 ? "1 warning" : `${count} warnings`;
}, 200);

draft.addEventListener("change", () => (showState(), check()));
$("enabled").addEventListener("change", (event) => draft.edit((now) => (now.enabled = event.target.checked)));
$("warnings").addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector(".rule .strip")?.closest(".rule").querySelector(".when")?.focus();
});
addEventListener("beforeunload", (event) => draft.changes && event.preventDefault());

function discard() {
  rules.open = null;
  draft.discard();
  toast("Changes discarded.", { lamp: "off", action: { label: "Undo", run: () => draft.undo() } });
}

// -- saving

async function save({ over = null } = {}) {
  if (rules.open) return rules.editor.focus(), announce("Finish the rule that is open first.");
  if (!draft.changes && over === null) return;
  const saveButton = $("save");
  busy(saveButton, true);
  try {
    const revision = over ?? draft.saved.revision;
    const before = draft.saved.revision;
    const saved = await call("PUT", `${api}?wait=3`, draft.body(), { "If-Match": `"${revision}"` });
    draft.load(saved);
    rules.errors = {};
    $("revision").textContent = `Revision ${saved.revision}, just now`;
    proveLive(saved, over ?? before);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 412) conflict(problem.body.current);
    else refuse(problem);
  } finally {
    busy(saveButton, false);
  }
}

function busy(element, on) {
  element.toggleAttribute("aria-busy", on);
  if (on) element.setAttribute("aria-busy", "true");
  element.firstChild.textContent = on ? "Saving" : "Save";
}

/** Say where the save is live, and keep saying it until it is live everywhere. */
function proveLive(saved, before) {
  const undo = before ? { label: "Undo", run: () => restore(before) } : null;
  const note = `Revision ${saved.revision}`;
  const line = toast("", { action: undo, stay: !saved.propagation.complete });
  const say = (reach) => {
    if (reach.of === 0) return line.say("Saved. No edge is running yet.", note, "off");
    if (reach.complete) return line.say(`Live on ${reach.live} of ${reach.of} edges, ${reach.ms ?? 0} ms`, note);
    const why = reach.refused ? `${reach.refused} refused it` : `${reach.of - reach.live} not answered yet`;
    line.say(`Live on ${reach.live} of ${reach.of} edges so far`, why, "warn");
  };
  say(saved.propagation);
  if (!saved.propagation.complete) follow(saved.sequence, say, line);
}

async function follow(sequence, say, line) {
  for (let tries = 0; tries < 60; tries += 1) {
    await new Promise((wake) => setTimeout(wake, 1000));
    const reach = await get(`/api/v1/propagation?sequence=${sequence}`).catch(() => null);
    if (!reach) continue;
    say(reach);
    if (reach.complete) return line.leaveSoon();
  }
}

async function restore(revision) {
  try {
    const saved = await call("POST", `/api/v1/offers/${offer.id}/revisions/${revision}/restore?wait=3`);
    draft.load(saved);
    $("revision").textContent = `Revision ${saved.revision}, just now`;
    proveLive(saved, null);
  } catch (problem) {
    toast(problem.message, { lamp: "warn" });
  }
}

/** The server found faults: open the first faulty rule with its message, or say it above the rules. */
function refuse(problem) {
  const faults = problem.errors.map((error) => ({ ...error, place: Number(/^rules\.(\d+)/.exec(error.path)?.[1] ?? -1) }));
  const first = faults.find((fault) => fault.place >= 0);
  rules.errors = Object.fromEntries(faults.filter((fault) => fault.place < 0).map((fault) => [fault.path, fault.message]));
  $("refusal").hidden = Boolean(first) && faults.length === 1;
  $("refusal-text").replaceChildren(h("b", {}, "Not saved. "), faults.length ? faults.map((fault) => `${fault.place >= 0 ? `Rule ${fault.place + 1}: ` : ""}${fault.message}`).join(" ") : problem.message);
  if (first) rules.edit(draft.rules[first.place].key, first.message);
  else rules.draw();
}

/** Somebody else saved: show both, lose neither. */
function conflict(current) {
  const fallback = (url) => h("p", { class: "to" }, icon("arrow", true), url ?? offer.destination_url);
  const list = (side) => h("ol", { class: "diff" }, side.rules.map((rule, place) => h("li", {}, h("span", { class: `no${place < 8 ? ` c${place + 1}` : ""}` }, String(place + 1)),
    h("div", {}, h("p", { class: "when" }, sentence(rule.when, words)), h("p", { class: "to url" }, icon("arrow", true), rule.destination_url)))),
  h("li", {}, h("span", { class: "no cf" }, icon("else", true)), h("div", {}, h("p", { class: "when" }, "Everyone else"), fallback(side.fallback_url))));
  const mine = draft.body();
  const end = (run) => () => (dialog.close(), run());
  const dialog = h("dialog", { class: "wide", "aria-labelledby": "conflict" },
    h("div", { class: "dlg-body" }, h("h2", { id: "conflict" }, `Somebody saved revision ${current.revision} while you were editing`),
      h("p", { class: "muted" }, `Nothing of yours is lost. Choose what revision ${current.revision + 1} should be.`),
      h("div", { class: "grid-2" }, h("div", { class: "card" }, h("div", { class: "card-head" }, h("h3", {}, "Theirs, live now")), list(current)), h("div", { class: "card" }, h("div", { class: "card-head" }, h("h3", {}, "Yours, not saved")), list(mine)))),
    h("div", { class: "dlg-foot" },
      button("Drop mine", end(() => draft.load(current)), { class: "btn btn-quiet" }),
      button("Keep editing", end(() => $("save").focus()), { class: "btn btn-quiet" }),
      button("Use mine only", end(() => save({ over: current.revision }))),
      button("Put mine on top of theirs", end(() => merge(current)), { class: "btn btn-primary" })));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Keep their version and lay my changes over it, as a draft to look at before saving. */
function merge(theirs) {
  const base = draft.saved;
  const mine = draft.now;
  const touched = mine.rules.filter((rule) => draft.mark(rule.key));
  const removed = base.rules.filter((rule) => !mine.rules.some((one) => one.key === rule.key)).map((rule) => rule.key);
  const moved = JSON.stringify(mine.rules.map((rule) => rule.key)) !== JSON.stringify(base.rules.map((rule) => rule.key));
  draft.load(theirs);
  draft.edit((now) => {
    if (mine.enabled !== base.enabled) now.enabled = mine.enabled;
    if (mine.fallback_url !== base.fallback_url) now.fallback_url = mine.fallback_url;
    now.rules = now.rules.filter((rule) => !removed.includes(rule.key));
    for (const rule of touched) {
      const place = now.rules.findIndex((one) => one.key === rule.key);
      if (place >= 0) now.rules[place] = structuredClone(rule);
      else now.rules.splice(mine.rules.indexOf(rule), 0, structuredClone(rule));
    }
    if (moved) {
      const order = mine.rules.map((rule) => rule.key);
      const rank = (rule) => (order.includes(rule.key) ? order.indexOf(rule.key) : Infinity);
      now.rules.sort((a, b) => rank(a) - rank(b));
    }
  });
  announce("Your changes lie on top of theirs. Not saved yet.");
}

// -- the last 24 hours

async function showShares() {
  const to = new Date();
  const from = new Date(to - 24 * 3600 * 1000);
  const query = new URLSearchParams({ from: from.toISOString(), to: to.toISOString(), group_by: "rule", interval: "day" });
  const answer = await get(`/api/v1/offers/${offer.id}/analytics?${query}`).catch(() => null);
  if (!answer) return;
  const total = answer.totals.clicks;
  const shares = Object.fromEntries(answer.groups.map(({ key, clicks }) => [key, { clicks, percent: total ? (100 * clicks) / total : 0 }]));
  if (JSON.stringify(shares) === JSON.stringify(rules.shares)) return;
  rules.shares = shares;
  $("people").textContent = total.toLocaleString("en");
  $("last-day").hidden = false;
  if (!rules.open) rules.draw();
}

// -- keys

addEventListener("keydown", (event) => {
  const command = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  if (command && event.key === "s") event.preventDefault(), save();
  else if (command && event.key === "z" && !isTyping(event.target) && draft.undo()) event.preventDefault(), announce("Last change undone.");
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target) || document.querySelector("dialog[open]") || localStorage.getItem("single-keys") === "off") return;
  if (event.key === "n" && mayEdit) event.preventDefault(), rules.add();
  if (event.key === "t") event.preventDefault(), tester.focus();
});

$("save").addEventListener("click", () => save());
$("discard").addEventListener("click", discard);
$("dismiss-refusal").addEventListener("click", () => ($("refusal").hidden = true));
if (prefill && mayEdit) rules.edit((rules.isNew = draft.add({ when: prefill })));
showState();
check();
showShares();
setInterval(() => document.visibilityState === "visible" && showShares(), 30_000);
