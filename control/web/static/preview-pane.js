// Preview: the draft replayed on recent clicks, in place of the rules; the browser's Back leads back to them.

import { html, Problem } from "./api.js";
import { announce, debounce, h, icon } from "./dom.js";

const $ = (id) => document.getElementById(id);
const HOUR_MIN = 60;

export class PreviewPane {
  /** `isBusy()` tells whether a rule is open; `openRule(place)` edits one, from 1. */
  constructor({ draft, offer, isBusy, openRule }) {
    Object.assign(this, { draft, offer, isBusy, openRule });
    this.toggled = () => {}; // called whenever the preview comes or goes
    this.home = `/offers/${offer.id}/smart-link`;
    this.again = debounce(() => this.shown && this.ask(), 200);
    $("preview").addEventListener("click", (event) => (event.preventDefault(), this.shown ? this.close() : this.open()));
    $("to-rules").addEventListener("click", (event) => (event.preventDefault(), this.close()));
    $("preview-count").addEventListener("change", () => this.ask());
    $("preview-part").addEventListener("click", (event) => {
      const place = event.target.closest("[data-open-rule]")?.dataset.openRule;
      if (place) this.close(), this.openRule(Number(place));
    });
    draft.addEventListener("change", this.again);
    addEventListener("popstate", () => this.show(this.isAddressed));
    this.show(this.isAddressed);
  }

  get isAddressed() {
    return location.pathname.endsWith("/preview");
  }

  open() {
    if (this.isBusy()) return;
    history.pushState({ fromRules: true }, "", `${this.home}/preview`);
    this.show(true);
  }

  close() {
    if (!this.shown) return;
    if (history.state?.fromRules) history.back();
    else history.replaceState(null, "", this.home);
    this.show(false);
    $("preview").focus();
  }

  show(shown) {
    if (this.shown === shown) return;
    this.shown = shown;
    $("workbench").classList.toggle("split", !shown);
    $("rules-view").hidden = shown;
    $("test-panel").hidden = shown;
    $("preview-view").hidden = !shown;
    $("discard").hidden = shown;
    $("preview").firstElementChild.hidden = shown;
    $("preview").lastElementChild.hidden = !shown;
    $("save").dataset.words = shown ? "Save and go live" : "Save";
    $("save").firstChild.textContent = $("save").dataset.words;
    scrollTo(0, 0);
    this.toggled();
    if (shown) this.ask({ first: true });
  }

  async ask({ first = false } = {}) {
    const part = $("preview-part");
    part.setAttribute("aria-busy", "true");
    const asked = { draft: this.draft.body(), clicks: Number($("preview-count").value) };
    this.asked = asked;
    const slow = setTimeout(() => first && part.replaceChildren(skeleton()), 200);
    const answer = await html(`/ui/offers/${this.offer.id}/preview`, asked).catch((problem) => problem);
    clearTimeout(slow);
    if (this.asked !== asked) return;
    part.removeAttribute("aria-busy");
    if (answer instanceof Problem) return part.replaceChildren(h("div", { class: "strip bad" }, icon("warn"), h("p", { role: "alert" }, answer.errors[0]?.message ?? answer.message)));
    if (answer instanceof Error) throw answer;
    part.replaceChildren(...answer);
    this.describe(part.querySelector("[data-first]"));
    announce($("preview-heading").textContent);
    if (first) $("preview-heading").focus({ preventScroll: true });
  }

  describe(card) {
    const count = card ? Number(card.dataset.clicks) : 0;
    const minutes = card ? Math.round((new Date(card.dataset.last) - new Date(card.dataset.first)) / 60_000) : 0;
    $("preview-span").textContent = card ? `Last ${count.toLocaleString("en")} ${count === 1 ? "person" : "people"}, ${lasting(minutes)} of traffic` : "";
  }
}

function lasting(minutes) {
  const [days, hours] = [Math.floor(minutes / (24 * HOUR_MIN)), Math.floor(minutes / HOUR_MIN) % 24];
  if (days >= 3) return `${days} days`;
  if (minutes >= HOUR_MIN) return `${days * 24 + hours} h ${minutes % HOUR_MIN} min`;
  return minutes ? `${minutes} min` : "less than a minute";
}

const skeleton = () => h("div", { class: "card card-body stack" }, h("span", { class: "sr" }, "Loading"), ["w2", "w3", "w1", "w3"].map((width) => h("span", { class: `skel ${width}` })));
