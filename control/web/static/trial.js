// The revision that is being tried: its figures kept current, its buttons pressed without leaving the draft.

import { call } from "./api.js";
import { tellTimes } from "./times.js";

const EVERY_MS = 10_000;

export class Trial {
  /** `end(how, revision)` promotes or withdraws it, `resize(share, revision)` gives it another share; `changed()` hears of every look. */
  constructor({ element, offer, end, resize, changed }) {
    Object.assign(this, { element, offer, end, resize, changed });
    element.addEventListener("submit", (event) => this.press(event));
    setInterval(() => document.visibilityState === "visible" && this.revision !== null && this.look(), EVERY_MS);
  }

  /** The revision that is being tried, null where none is. */
  get revision() {
    const shown = this.element.querySelector("[data-trial]");
    return shown && Number(shown.dataset.trial);
  }

  async look() {
    const text = await call("GET", `/ui/offers/${this.offer.id}/trial`, undefined, { Accept: "text/html" }).catch(() => null);
    if (text === null || this.element.contains(document.activeElement)) return;
    this.element.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
    tellTimes(this.element);
    this.changed();
  }

  async press(event) {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form, event.submitter);
    event.submitter?.blur();
    if ("resizes" in form.dataset) await this.resize(Number(given.get("share")), Number(given.get("seen")));
    else await this.end(form.dataset.ends, Number(given.get("seen")));
    await this.look();
  }
}
