// One rule, open in place: who it is for, and where they go. Nothing reaches the draft before Done.

import { DestinationField } from "./destination.js";
import { button, h, icon, number } from "./dom.js";
import { Picker } from "./picker.js";
import { condition, lists, sentence } from "./sentence.js";

export class Editor {
  /** `done(fields)` and `cancel()` end it; `extra` are {label, run, danger} buttons at the right. */
  constructor({ rule, place, words, groups, shares, offer, samples, error, done, cancel, extra }) {
    Object.assign(this, { words, groups, shares, done, cancel });
    this.when = structuredClone(rule.when);
    this.headline = h("p", { class: "when", id: "edit-sentence" });
    this.on = h("input", { class: "switch", type: "checkbox", role: "switch", checked: rule.enabled });
    this.name = h("input", { class: "input", id: "edit-name", value: rule.name, maxlength: "200", placeholder: "Optional, for reports", autocomplete: "off" });
    this.destination = new DestinationField({ id: "edit-destination", value: rule.destination_url, placeholder: "https://", offer, samples });
    if (error) this.destination.refuse(error);
    this.element = h("li", { class: `rule open${place < 8 ? ` c${place + 1}` : ""}`, "data-key": rule.key }, h("form", {
      "aria-labelledby": "edit-sentence", novalidate: true,
      onsubmit: (event) => (event.preventDefault(), this.finish()),
      onkeydown: (event) => event.key === "Escape" && (event.stopPropagation(), cancel()),
    },
    h("div", { class: "edit-head" }, number(place + 1), this.headline, h("label", { class: "switch-label small" }, this.on, "On")),
    h("div", { class: "edit-body" }, ...this.countries(), ...this.toggles("device", "Device", hint()), ...this.toggles("os", "System"),
      h("label", { class: "side", for: "edit-destination" }, "Send them to"), this.destination.element,
      h("label", { class: "side", for: "edit-name" }, "Name"), h("div", { class: "stack" }, this.name)),
    h("div", { class: "edit-foot" },
      h("button", { class: "btn btn-primary" }, "Done ", h("kbd", {}, "Enter")),
      h("button", { type: "button", class: "btn btn-quiet", onclick: cancel }, "Cancel ", h("kbd", {}, "Esc")),
      extra.map(({ label, run, danger }, nth) => button(label, run, { class: `btn btn-quiet${nth ? "" : " push"}${danger ? " btn-danger" : ""}` })))));
    this.say();
  }

  say() {
    this.headline.replaceChildren(...sentence(this.when, this.words));
  }

  set(kind, value) {
    if (value === undefined) delete this.when[kind];
    else this.when[kind] = value;
    this.say();
  }

  countries() {
    const start = this.when.country ? lists(this.when.country) : { include: null, exclude: [] };
    const state = { include: [...(start.include ?? [])], exclude: [...start.exclude] };
    const update = () => this.set("country", condition(state));
    const make = (list, excluded, label) => new Picker({
      words: this.words.country, groups: this.groups, values: state[list], excluded, label, shares: this.shares,
      changed: (values) => ((state[list] = values), update(), unknown()),
    });
    const include = make("include", false, "Add a country or a group");
    const exclude = make("exclude", true, "Add a country or a group to leave out");
    const any = h("button", { type: "button" }, "Any of these");
    const but = h("button", { type: "button" }, "All except these");
    const exceptions = h("div", { class: "stack" }, h("p", { class: "hint" }, "Except"), exclude.element);
    const hint = h("p", { class: "hint" });
    const unknown = () => {
      const lacks = state.include.length && !state.include.includes("ZZ");
      hint.hidden = !lacks && !state.exclude.length;
      hint.replaceChildren("Unknown countries do not fit this rule. ",
        lacks ? h("button", { type: "button", class: "btn btn-quiet btn-s", onclick: () => include.set([...state.include, "ZZ"]) }, "Add “unknown country”") : "");
    };
    const mode = (negated) => {
      any.setAttribute("aria-pressed", String(!negated));
      but.setAttribute("aria-pressed", String(negated));
      include.element.hidden = negated;
      exceptions.hidden = !negated && !(state.include.length && state.exclude.length);
    };
    any.addEventListener("click", () => {
      if (!state.include.length) (include.set(state.exclude), exclude.set([]));
      mode(false);
    });
    but.addEventListener("click", () => {
      if (!state.exclude.length) (exclude.set(state.include), include.set([]));
      mode(true);
    });
    const more = button("Leave some out", () => ((exceptions.hidden = false), exclude.field.focus()), { class: "btn btn-quiet btn-s" });
    const list = h("div", { hidden: true });
    const paste = button([icon("paste", true), "Paste a list"], () => this.pasteList(list, paste, include.element.hidden ? exclude : include), { class: "btn btn-quiet btn-s", "aria-expanded": "false" });
    mode(!state.include.length && state.exclude.length > 0);
    unknown();
    this.firstField = include.element.hidden ? exclude.field : include.field;
    return [
      h("div", { class: "side", id: "edit-country" }, "Country"),
      h("div", { class: "stack", role: "group", "aria-labelledby": "edit-country" },
        h("div", { class: "row" }, h("div", { class: "seg" }, any, but), more, paste), list, include.element, exceptions, hint),
    ];
  }

  /** A field for a list from anywhere; what it takes is read from the clipboard where the browser allows it. */
  async pasteList(home, opener, picker) {
    const shut = () => {
      home.hidden = true;
      opener.setAttribute("aria-expanded", "false");
    };
    if (!home.hidden) return shut();
    const field = h("textarea", { class: "input", id: "paste-list", rows: "3", spellcheck: "false", placeholder: "US, Canada, DACH…" });
    const fault = h("p", { class: "err", role: "alert", hidden: true });
    const add = () => {
      const left = picker.addList(field.value);
      field.value = left.join(", ");
      fault.hidden = !left.length;
      fault.replaceChildren(icon("warn", true), `Not a country or a group: ${left.join(", ")}.`);
      if (left.length) field.focus();
      else shut(), picker.field.focus();
    };
    home.replaceChildren(h("div", { class: "stack" }, h("label", { class: "hint", for: "paste-list" }, "Countries and groups by code or name, parted by commas or lines"), field, fault,
      h("div", { class: "row" }, button("Add these", add, { class: "btn btn-s" }), button("Close", () => (shut(), opener.focus()), { class: "btn btn-quiet btn-s" }))));
    home.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    field.focus();
    const text = await navigator.clipboard?.readText?.().catch(() => "");
    if (text && !field.value && /^[\p{L}@][\p{L}\p{M}\s,;@.()’'-]*$/u.test(text)) field.value = text;
  }

  toggles(kind, title, hint) {
    const values = Object.keys(this.words[kind]);
    const start = this.when[kind] ? lists(this.when[kind]) : { include: null, exclude: [] };
    const chosen = new Set(start.include ?? (start.exclude.length ? values : []).filter((value) => !start.exclude.includes(value)));
    start.exclude.forEach((value) => chosen.delete(value));
    const group = h("div", { class: "toggles", role: "group", "aria-labelledby": `edit-${kind}` });
    const draw = () => {
      const toggle = (label, pressed, onclick, value) => h("button", { type: "button", class: "toggle", "aria-pressed": String(pressed), "data-value": value, onclick }, pressed ? icon("check") : null, label);
      const focused = document.activeElement?.dataset?.value;
      group.replaceChildren(
        toggle("Any", !chosen.size, () => (chosen.clear(), change()), "any"),
        ...values.map((value) => toggle(value === "other" ? "Other" : capital(this.words[kind][value]), chosen.has(value), () => (chosen.has(value) ? chosen.delete(value) : chosen.add(value), change()), value)));
      group.querySelector(`[data-value="${focused}"]`)?.focus();
    };
    const change = () => {
      if (chosen.size === values.length) chosen.clear();
      this.set(kind, chosen.size ? values.filter((value) => chosen.has(value)) : undefined);
      draw();
    };
    draw();
    return [h("div", { class: "side", id: `edit-${kind}` }, title), h("div", { class: "stack" }, group, hint)];
  }

  finish() {
    if (!this.destination.value) return this.destination.refuse("Write where these visitors go."), this.destination.input.focus();
    this.done({ name: this.name.value.trim(), enabled: this.on.checked, when: this.when, destination_url: this.destination.value });
  }

  focus() {
    (this.destination.input.hasAttribute("aria-invalid") ? this.destination.input : this.firstField).focus();
  }
}

const hint = () => h("p", { class: "hint" }, "An iPad in desktop mode looks like a Mac to every server. It counts as desktop.");
const capital = (text) => (text === "iOS" || text === "macOS" ? text : text[0].toUpperCase() + text.slice(1));
