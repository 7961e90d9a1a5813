// A destination field: checked by the server as it is typed, macros offered after `{`.

import { post } from "./api.js";
import { debounce, h, icon } from "./dom.js";

/** What each macro becomes, for people. */
const MACROS = {
  click_id: "This click’s id", partner: "Partner’s slug", coupon: "Coupon code on the link", country: "Visitor’s country", device: "Visitor’s device",
  os: "Visitor’s system", offer: "This offer’s slug", link: "The link’s slug", rule: "The rule’s id",
  sub1: "Sub-ID 1", sub2: "Sub-ID 2", sub3: "Sub-ID 3", sub4: "Sub-ID 4", sub5: "Sub-ID 5",
};

export class DestinationField {
  constructor({ id, value, placeholder = "", optional = false, changed = () => {} }) {
    Object.assign(this, { id, optional, changed });
    this.verdict = h("div", { id: `${id}-verdict` });
    this.list = h("ul", { role: "listbox", id: `${id}-macros`, "aria-label": "Macros" });
    this.pop = h("div", { class: "pop", hidden: true }, this.list);
    this.input = h("input", {
      class: "input", id, value, placeholder, spellcheck: "false", inputmode: "url", autocomplete: "off", role: "combobox",
      "aria-expanded": "false", "aria-controls": `${id}-macros`, "aria-describedby": `${id}-verdict`,
      oninput: () => this.typed(), onkeydown: (event) => this.key(event), onblur: () => setTimeout(() => this.close(), 150),
    });
    this.element = h("div", { class: "stack" }, h("div", { class: "floats" }, this.input, this.pop), this.verdict);
    this.check = debounce(() => this.ask(), 250);
    if (value) this.check();
  }

  get value() {
    return this.input.value.trim();
  }

  typed() {
    this.changed(this.value);
    this.offer();
    this.check();
  }

  async ask() {
    const asked = this.value;
    if (!asked) return this.optional ? this.say() : undefined;
    const answer = await post("/ui/destination", { url: asked }).catch(() => null);
    if (!answer || asked !== this.value) return;
    if (answer.error) this.refuse(answer.error);
    else if (answer.https) this.say(h("p", { class: "good" }, icon("check", true), "Valid https address."));
    else this.say(h("div", { class: "strip" }, icon("warn"), h("p", {}, "Not https. Browsers may warn your visitors."), this.upgrade()));
  }

  upgrade() {
    if (!/^http:/i.test(this.value)) return null;
    return h("button", { type: "button", class: "btn btn-s", onclick: () => ((this.input.value = this.value.replace(/^http:/i, "https:")), this.typed()) }, "Use https");
  }

  refuse(message) {
    this.input.setAttribute("aria-invalid", "true");
    this.verdict.replaceChildren(h("p", { class: "err" }, icon("warn", true), message));
  }

  say(...nodes) {
    this.input.removeAttribute("aria-invalid");
    this.verdict.replaceChildren(...nodes);
  }

  /** Offer the macros that begin with what stands between the last `{` and the cursor. */
  offer() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    const begun = /\{([a-z0-9_]*)$/.exec(before)?.[1];
    this.hits = begun === undefined ? [] : Object.keys(MACROS).filter((name) => name.startsWith(begun));
    this.active = 0;
    this.list.replaceChildren(...this.hits.map((name, place) =>
      h("li", { class: `opt-row${place ? "" : " active"}`, role: "option", "aria-selected": String(place === 0), onpointerdown: (event) => (event.preventDefault(), this.insert(name)) },
        h("span", { class: "mono" }, `{${name}}`), h("span", {}, MACROS[name]))));
    this.pop.hidden = !this.hits.length;
    this.input.setAttribute("aria-expanded", String(!this.pop.hidden));
  }

  insert(name) {
    const at = this.input.selectionStart;
    const before = this.input.value.slice(0, at).replace(/\{[a-z0-9_]*$/, `{${name}}`);
    this.input.value = before + this.input.value.slice(at);
    this.input.setSelectionRange(before.length, before.length);
    this.close();
    this.typed();
  }

  key(event) {
    if (this.pop.hidden) return;
    if (event.key === "Escape") event.stopPropagation(), this.close();
    else if (event.key === "Tab" || event.key === "Enter") event.preventDefault(), this.insert(this.hits[this.active]);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : -1) + this.hits.length) % this.hits.length;
      [...this.list.children].forEach((option, place) => option.classList.toggle("active", place === this.active));
    }
  }

  close() {
    this.pop.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }
}
