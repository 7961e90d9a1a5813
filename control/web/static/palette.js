// Search: offers, partners, links and actions, by Ctrl K or /.

import { get } from "./api.js";
import { debounce, h, icon } from "./dom.js";
import { showTable } from "./shortcuts.js";
import { setTheme } from "./theme.js";

const HERE = [
  { label: "Keyboard keys", note: "?", icon: "info", run: showTable },
  { label: "Light theme", note: "", icon: "eye", run: () => setTheme("light") },
  { label: "Dark theme", note: "", icon: "eye", run: () => setTheme("dark") },
  { label: "Theme of the system", note: "", icon: "eye", run: () => setTheme("") },
];

export function openPalette() {
  if (document.querySelector("dialog[open]")) return;
  const palette = new Palette();
  document.body.append(palette.dialog);
  palette.dialog.showModal();
  palette.ask();
}

class Palette {
  constructor() {
    this.hits = [];
    this.active = 0;
    this.list = h("ul", { id: "hits", role: "listbox", "aria-label": "Results" });
    this.field = h("input", {
      role: "combobox", "aria-expanded": "true", "aria-controls": "hits", "aria-autocomplete": "list", "aria-label": "Search offers, links, partners and actions",
      placeholder: "Search offers, links, partners, actions", autocomplete: "off", spellcheck: "false", maxlength: "100",
      oninput: debounce(() => this.ask(), 120), onkeydown: (event) => this.key(event),
    });
    this.dialog = h("dialog", { class: "palette", "aria-label": "Search" },
      h("div", { class: "ask" }, icon("search"), this.field, h("kbd", {}, "Esc")), this.list,
      h("p", { class: "pop-foot" }, h("span", {}, h("kbd", {}, "↑"), " ", h("kbd", {}, "↓"), " choose"), h("span", {}, h("kbd", {}, "Enter"), " open"), h("span", {}, h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "Enter"), " new tab")));
    this.dialog.addEventListener("close", () => this.dialog.remove());
    this.dialog.addEventListener("click", ({ target }) => target === this.dialog && this.dialog.close());
  }

  async ask() {
    const typed = this.field.value.trim();
    const answer = await get(`/ui/search?q=${encodeURIComponent(typed)}`).catch(() => null);
    if (typed !== this.field.value.trim()) return;
    const groups = answer ? answer.groups : [];
    const here = HERE.filter(({ label }) => typed && label.toLowerCase().includes(typed.toLowerCase()));
    this.show([...groups, ...(here.length ? [{ title: "This page", hits: here }] : [])], typed, answer === null);
  }

  show(groups, typed, failed) {
    this.hits = groups.flatMap(({ hits }) => hits);
    this.active = 0;
    let place = 0;
    this.list.replaceChildren(...groups.flatMap(({ title, hits }) => [
      h("li", { class: "pop-head", role: "presentation" }, title), ...hits.map((hit) => this.option(hit, place++, typed)),
    ]));
    if (!this.hits.length) this.list.append(h("li", { class: "opt-row", role: "presentation" }, failed ? "Turnout did not answer." : "Nothing fits. Links are found by the beginning of their slug."));
    this.mark();
  }

  option(hit, place, typed) {
    return h("li", { class: "opt-row", role: "option", id: `hit-${place}`, "aria-selected": "false", onclick: (event) => this.open(hit, event.ctrlKey || event.metaKey), onpointermove: () => this.mark(place) },
      icon(hit.icon), h("span", { class: "cut" }, ...marked(hit.label, typed)), hit.note && h("span", { class: "push cut" }, hit.note));
  }

  mark(place = this.active) {
    this.active = place;
    this.list.querySelectorAll('[role="option"]').forEach((option, nth) => {
      option.classList.toggle("active", nth === place);
      option.setAttribute("aria-selected", String(nth === place));
      if (nth === place) option.scrollIntoView({ block: "nearest" });
    });
    if (this.hits.length) this.field.setAttribute("aria-activedescendant", `hit-${place}`);
    else this.field.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.hits.length) event.preventDefault(), this.mark((this.active + step + this.hits.length) % this.hits.length);
    else if (event.key === "Enter" && this.hits[this.active]) event.preventDefault(), this.open(this.hits[this.active], event.ctrlKey || event.metaKey);
  }

  open(hit, aside) {
    if (aside && hit.href) return window.open(hit.href, "_blank", "noopener");
    this.dialog.close();
    if (hit.run) hit.run();
    else location.assign(hit.href);
  }
}

function marked(label, typed) {
  const at = typed ? label.toLowerCase().indexOf(typed.toLowerCase()) : -1;
  return at < 0 ? [label] : [label.slice(0, at), h("mark", {}, label.slice(at, at + typed.length)), label.slice(at + typed.length)];
}
