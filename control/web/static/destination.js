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
  /** `offer` is whose destination it is; `samples` (macro -> example) shows what macros become, null shows none. */
  constructor({ id, value, offer, samples = null, placeholder = "", optional = false }) {
    Object.assign(this, { id, optional, offer, samples });
    this.verdict = h("div", { class: "stack", id: `${id}-verdict` });
    this.list = h("ul", { role: "listbox", id: `${id}-macros`, "aria-label": "Macros" });
    this.pop = h("div", { class: "pop", hidden: true }, this.list, foot());
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
    this.suggest();
    this.check();
  }

  async ask() {
    const asked = this.value;
    if (!asked) return this.optional ? this.say() : undefined;
    const answer = await post("/ui/destination", { url: asked, offer: this.offer.slug, append_click_id: this.offer.append_click_id }).catch(() => null);
    if (!answer || asked !== this.value) return;
    if (answer.error) return this.refuse(answer.error);
    this.say(answer.https ? h("p", { class: "good" }, icon("check", true), `Valid https address.${this.offer.append_click_id ? " Each click’s id is added for you." : ""}`) :
      strip("Not https. Browsers may warn your visitors.", /^http:/i.test(asked) ? this.mend("Use https", withHttps) : null),
    answer.has_click_id ? "" : strip("No click id on the way: sales from here cannot be credited.", this.mend("Add {click_id}", withClickId)),
    answer.sample && this.samples ? h("p", { class: "hint" }, "A German iPhone would get ", h("span", { class: "mono url" }, answer.sample)) : "");
  }

  mend(label, change) {
    return h("button", { type: "button", class: "btn btn-s", onclick: () => ((this.input.value = change(this.value)), this.typed(), this.input.focus()) }, label);
  }

  refuse(message) {
    this.input.setAttribute("aria-invalid", "true");
    this.verdict.replaceChildren(h("p", { class: "err" }, icon("warn", true), message));
  }

  say(...nodes) {
    this.input.removeAttribute("aria-invalid");
    this.verdict.replaceChildren(...nodes);
  }

  /** Suggest the macros that begin with what stands between the last `{` and the cursor. */
  suggest() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    const begun = /\{([a-z0-9_]*)$/.exec(before)?.[1];
    this.hits = begun === undefined ? [] : Object.keys(MACROS).filter((name) => name.startsWith(begun));
    this.active = 0;
    this.list.replaceChildren(...this.hits.map((name, place) =>
      h("li", { class: `opt-row${place ? "" : " active"}`, role: "option", "aria-selected": String(place === 0), onpointerdown: (event) => (event.preventDefault(), this.insert(name)) },
        h("span", { class: "mono" }, `{${name}}`), h("span", {}, MACROS[name]), this.samples ? h("span", { class: "push mono" }, this.samples[name]) : null)));
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

/** A destination's remedies: the same address, safer, and with the click's id in its query. */
export const withHttps = (url) => url.replace(/^http:/i, "https:");
export function withClickId(url) {
  const [, before, fragment] = /^([^#]*)(.*)$/s.exec(url);
  return `${before}${before.includes("?") ? "&" : "?"}click_id={click_id}${fragment}`;
}

const strip = (words, remedy) => h("div", { class: "strip" }, icon("warn"), h("p", {}, words), remedy);
const foot = () => h("p", { class: "pop-foot" }, h("span", {}, "Type ", h("kbd", {}, "{"), " for a macro"), h("span", {}, h("kbd", {}, "Tab"), " insert"));
