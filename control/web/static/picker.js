// Choosing countries and groups: type to search, arrows to choose, Enter to add, Backspace to take the last one back.

import { h, icon } from "./dom.js";

const MOST = 8;

/**
 * A box of chips with a search field. `words` is code -> name, `groups` code -> member codes, `values` what is chosen,
 * `shares` code -> percent of clicks or null; `changed(values)` is called after every change.
 */
export class Picker {
  constructor({ words, groups, values, excluded, label, shares, changed }) {
    Object.assign(this, { words, groups, values: [...values], excluded, shares, changed });
    this.id = `picker-${excluded ? "out" : "in"}`;
    this.field = h("input", {
      role: "combobox", "aria-expanded": "false", "aria-controls": this.id, "aria-label": label, autocomplete: "off", spellcheck: "false",
      oninput: () => this.search(), onkeydown: (event) => this.key(event), onblur: () => setTimeout(() => this.close(), 150),
      onpaste: (event) => this.paste(event),
    });
    this.list = h("ul", { role: "listbox", id: this.id, "aria-label": "Countries and groups" });
    this.pop = h("div", { class: "pop", hidden: true }, this.list, foot());
    this.box = h("div", { class: "input tokens", onclick: () => this.field.focus() });
    this.element = h("div", { class: "floats" }, this.box, this.pop);
    this.draw();
  }

  draw() {
    const chip = (value) =>
      h("span", { class: `chip${this.excluded ? " not" : ""}` }, this.words[value] ?? value,
        h("button", { type: "button", "aria-label": `Remove ${this.words[value] ?? value}`, onclick: () => this.remove(value) }, icon("x", true)));
    this.box.replaceChildren(...this.values.map(chip), this.field);
  }

  set(values) {
    this.values = [...new Set(values)];
    this.draw();
    this.changed(this.values);
  }

  add(value) {
    this.field.value = "";
    this.close();
    this.set([...this.values, value]);
    this.field.focus();
  }

  remove(value) {
    this.set(this.values.filter((one) => one !== value));
    this.field.focus();
  }

  search() {
    const asked = this.field.value.trim().toLowerCase();
    const ranked = asked ? this.matches(asked) : [];
    const groups = ranked.filter((value) => this.isGroup(value));
    const countries = ranked.filter((value) => !this.isGroup(value));
    this.hits = [...groups, ...countries];
    this.active = Math.max(0, this.hits.indexOf(ranked[0]));
    const head = (title, values) => (values.length ? [h("li", { class: "pop-head", role: "presentation" }, title), ...values.map((value) => this.option(value, this.hits.indexOf(value), asked))] : []);
    this.list.replaceChildren(...head("Groups", groups), ...head("Countries", countries));
    if (asked && !ranked.length) this.list.append(h("li", { class: "pop-head", role: "presentation" }, "No country or group is called that"));
    this.pop.hidden = !asked;
    this.field.setAttribute("aria-expanded", String(!this.pop.hidden));
    this.highlight();
  }

  /** The best first: exact code, then names that begin so, then names that contain it; groups before countries. */
  matches(asked) {
    const rank = (value) => {
      const name = this.words[value].toLowerCase();
      if (value.toLowerCase() === asked || (asked === "uk" && value === "GB")) return 0;
      if (name.startsWith(asked) || value.toLowerCase().startsWith(`@${asked}`)) return 1;
      return name.includes(asked) ? 2 : 3;
    };
    const order = Object.keys(this.words).filter((value) => rank(value) < 3);
    return order.sort((a, b) => rank(a) - rank(b) || this.isGroup(b) - this.isGroup(a) || this.words[a].localeCompare(this.words[b])).slice(0, MOST);
  }

  isGroup(value) {
    return value in this.groups;
  }

  option(value, place, asked) {
    const name = this.words[value];
    const start = name.toLowerCase().indexOf(asked);
    const label = start < 0 ? [name] : [name.slice(0, start), h("mark", {}, name.slice(start, start + asked.length)), name.slice(start + asked.length)];
    const members = this.groups[value];
    return h("li", {
      class: "opt-row", role: "option", id: `${this.id}-${place}`, "aria-selected": String(this.values.includes(value)),
      onpointerdown: (event) => (event.preventDefault(), this.add(value)),
    }, icon("check"), h("span", { class: "cc" }, members ? String(members.length) : value), h("span", {}, label),
    h("span", { class: "push" }, members ? members.slice(0, 3).map((code) => this.words[code]).join(", ") + (members.length > 3 ? ` and ${members.length - 3} more` : "") : this.share(value)));
  }

  share(value) {
    if (!this.shares) return "";
    const percent = this.shares[value];
    return percent ? `${percent < 0.1 ? "under 0.1" : percent.toFixed(1)}% of clicks` : "none yet";
  }

  highlight() {
    [...this.list.querySelectorAll('[role="option"]')].forEach((option, place) => {
      option.classList.toggle("active", place === this.active);
      if (place === this.active) option.scrollIntoView({ block: "nearest" });
    });
    if (this.hits.length) this.field.setAttribute("aria-activedescendant", `${this.id}-${this.active}`);
    else this.field.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const open = !this.pop.hidden && this.hits?.length;
    if (event.key === "Backspace" && !this.field.value && this.values.length) this.set(this.values.slice(0, -1)), this.field.focus();
    else if (event.key === "Escape" && !this.pop.hidden) event.stopPropagation(), this.close();
    else if (event.key === "Enter" && this.field.value.trim()) event.preventDefault(), open && this.add(this.hits[this.active]);
    else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : -1) + this.hits.length) % this.hits.length;
      this.highlight();
    }
  }

  /** A pasted list of codes or names, however it is separated, becomes chips; what is not understood stays as text. */
  paste(event) {
    const text = event.clipboardData.getData("text");
    if (!/[,;\n\t]/.test(text)) return;
    event.preventDefault();
    this.field.value = this.addList(text).join(", ");
    this.field.focus();
  }

  /** Add every country and group that `text` lists, and return what it lists besides. */
  addList(text) {
    const byName = Object.fromEntries(Object.entries(this.words).map(([value, name]) => [name.toLowerCase(), value]));
    const items = text.split(/[,;\n\t]+/).map((item) => item.trim()).filter(Boolean);
    const known = (item) => (item.toUpperCase() === "UK" ? "GB" : [item.toUpperCase(), item.toLowerCase(), `@${item.toLowerCase()}`].find((value) => value in this.words) ?? byName[item.toLowerCase()]);
    this.set([...this.values, ...items.map(known).filter(Boolean)]);
    return items.filter((item) => !known(item));
  }

  close() {
    this.pop.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
  }
}

function foot() {
  const hint = (keys, what) => h("span", {}, keys.map((key) => [h("kbd", {}, key), " "]), what);
  return h("p", { class: "pop-foot" }, hint(["↑", "↓"], "choose"), hint(["Enter"], "add"), hint(["⌫"], "remove the last"));
}
