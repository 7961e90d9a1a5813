// The list of rules: numbered rows in order, each an English sentence; the last row is always everyone else.

import { draggable } from "./drag.js";
import { announce, button, h, icon, number } from "./dom.js";
import { Editor } from "./editor.js";
import { DestinationField, withClickId, withHttps } from "./destination.js";
import { fresh } from "./draft.js";
import { popMenu } from "./pop-menu.js";
import { prettyUrl, say, sentence } from "./sentence.js";
import { toast } from "./toast.js";

export class RuleList {
  /** `samples` says what macros become; `shares` (rule id -> {clicks, percent}) and `countries` (code -> percent) come later. */
  constructor({ element, draft, words, groups, samples, offer, mayEdit }) {
    Object.assign(this, { element, draft, words, groups, samples, offer, mayEdit });
    this.shares = null;
    this.countries = null;
    this.warnings = [];
    this.errors = {};
    this.open = null;
    this.carried = null;
    draft.addEventListener("change", () => this.draw());
    element.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  /** Show what the server says about the draft: warnings by rule. */
  warn(warnings) {
    if (JSON.stringify(warnings) === JSON.stringify(this.warnings)) return;
    const reached = this.warnings.filter((old) => old.code === "never" && !warnings.some((one) => one.rule_id === old.rule_id && one.code === "never"));
    this.warnings = warnings;
    if (!this.open) this.draw();
    for (const old of reached) {
      const key = this.draft.keyOf(old.rule_id);
      if (key) announce(`Rule ${this.draft.place(key) + 1} is now reached.`);
    }
  }

  edit(key, error = "") {
    this.open = key;
    this.error = error;
    this.draw();
    this.editor?.focus();
  }

  add() {
    if (this.open) return;
    this.isNew = this.draft.add({});
    this.edit(this.isNew);
  }

  shut() {
    const key = this.open;
    this.open = null;
    this.editor = null;
    if (this.isNew && !this.draft.rule(this.isNew)?.destination_url) this.draft.undo();
    this.isNew = null;
    this.draw();
    this.row(key)?.querySelector(".when")?.focus();
  }

  /** Rules have got other keys, old -> new: the one that is open stays so, with what was typed. */
  rename(keys) {
    const key = keys.get(this.open);
    if (!key || key === this.open) return;
    this.open = key;
    this.editor.element.dataset.key = key;
    this.draw();
  }

  row(key) {
    return this.element.querySelector(`[data-key="${CSS.escape(key ?? "")}"]`);
  }

  /** Draw the list anew; a row that is being dragged, or a menu, is never pulled from under the pointer. */
  draw() {
    this.isStale = this.element.querySelector(":scope > .drop, .menu") !== null;
    if (this.isStale) return;
    const focus = this.focusPath();
    const rows = this.draft.rules.map((rule, place) => (rule.key === this.open ? this.editorRow(rule, place) : this.ruleRow(rule, place)));
    this.element.classList.toggle("editing", this.open !== null);
    this.element.replaceChildren(...(rows.length ? rows : [this.emptyRow()]), this.mayEdit && this.open !== "fallback" ? this.addRow() : "", this.elseRow());
    this.refocus(focus);
  }

  /** Which control has the focus, as rule and role, so that it survives the drawing anew. */
  focusPath() {
    const control = document.activeElement?.closest?.("[data-control]");
    const key = control?.closest("[data-key]")?.dataset.key;
    return control && this.element.contains(control) ? { key, control: control.dataset.control } : null;
  }

  refocus(path) {
    if (!path) return;
    const find = (name) => this.row(path.key)?.querySelector(`[data-control="${name}"]:not(:disabled)`);
    (find(path.control) ?? find({ up: "down", down: "up" }[path.control] ?? path.control))?.focus();
  }

  ruleRow(rule, place) {
    const name = `rule ${place + 1}`;
    const warning = this.warningsOf(place).find((one) => one.code === "never");
    const state = [warning && rule.enabled ? " never" : "", rule.enabled ? "" : " off"].join("");
    const row = h("li", { class: `rule${state}`, id: `rule-${place + 1}`, "data-key": rule.key });
    const mark = this.draft.mark(rule.key);
    row.append(
      this.mover(rule, place, row),
      number(place + 1),
      h("div", { class: "when-col" },
        h("a", { class: "when", href: `#rule-${place + 1}`, "data-control": "when", onclick: (event) => (event.preventDefault(), this.mayEdit && this.edit(rule.key)) },
          h("span", { class: "sr" }, `Edit ${name}: `), sentence(rule.when, this.words),
          mark ? [" ", h("span", { class: "tag edited" }, mark)] : null, rule.enabled ? null : [" ", h("span", { class: "tag" }, "off")]),
        h("p", { class: "to" }, icon("arrow", true), h("span", { class: "url", title: rule.destination_url }, prettyUrl(rule.destination_url))),
        rule.name ? h("p", { class: "small quiet" }, rule.name) : null),
      this.share(rule.id, place, rule.enabled ? "no clicks yet" : "off"),
      this.actions(rule, place),
      ...this.strips(rule, place));
    return row;
  }

  mover(rule, place, row) {
    if (!this.mayEdit) return h("div", { class: "move" });
    const last = this.draft.rules.length - 1;
    const go = (to, words) => () => this.moveTo(rule.key, to, words);
    const grip = h("button", {
      type: "button", class: "grip", "data-control": "grip", "aria-label": `Drag rule ${place + 1}; press space to pick it up`, "aria-describedby": "drag-help",
      "aria-pressed": this.carried?.key === rule.key ? "true" : null,
      onkeydown: (event) => this.carry(event, rule.key),
    }, icon("grip"));
    draggable(grip, row, (to) => (to === null ? this.draw() : this.moveTo(rule.key, to, "Dropped at")));
    return h("div", { class: "move" },
      h("button", { type: "button", "data-control": "up", "aria-label": `Move rule ${place + 1} up`, disabled: place === 0, onclick: go(place - 1, "Moved up to") }, icon("up", true)),
      grip,
      h("button", { type: "button", "data-control": "down", "aria-label": `Move rule ${place + 1} down`, disabled: place === last, onclick: go(place + 1, "Moved down to") }, icon("down", true)));
  }

  moveTo(key, place, words) {
    const to = Math.max(0, Math.min(place, this.draft.rules.length - 1));
    if (to === this.draft.place(key)) return;
    this.draft.move(key, to);
    announce(`${words} place ${to + 1} of ${this.draft.rules.length}. Not saved.`);
  }

  /** The grip by keyboard: space picks up and drops, arrows move, escape puts back. */
  carry(event, key) {
    const place = this.draft.place(key);
    const total = this.draft.rules.length;
    const steps = { ArrowUp: place - 1, ArrowDown: place + 1, Home: 0, End: total - 1 };
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      if (this.carried) return this.put(`Dropped at place ${place + 1} of ${total}. Not saved.`);
      this.carried = { key, from: place };
      announce(`Rule ${place + 1} picked up, place ${place + 1} of ${total}. Arrow keys move, space drops, escape puts back.`);
      this.row(key).classList.add("dragging");
    } else if (this.carried && event.key in steps) {
      event.preventDefault();
      event.stopPropagation();
      const to = Math.max(0, Math.min(steps[event.key], total - 1));
      this.draft.move(key, to);
      this.row(key).classList.add("dragging");
      const above = this.draft.rules[to - 1];
      announce(`Place ${to + 1} of ${total}${above ? `, after ${say(above.when, this.words)}` : ""}.`);
    } else if (this.carried && (event.key === "Escape" || event.key === "Tab")) {
      if (event.key === "Escape") event.preventDefault();
      event.stopPropagation();
      const { from } = this.carried;
      this.draft.move(key, from);
      this.put(`Put back at place ${from + 1}.`);
    }
  }

  put(words) {
    this.row(this.carried.key).classList.remove("dragging");
    this.carried = null;
    this.draw();
    announce(words);
  }

  share(id, place, nothing) {
    const share = id && this.shares?.[id];
    if (!share) return h("span", { class: "share quiet small" }, this.shares ? nothing : "");
    const percent = `${share.percent.toFixed(1)}%`;
    const colour = place === null ? "cf" : place < 8 ? `c${place + 1}` : "cx";
    const who = place === null ? "Everyone else" : `Rule ${place + 1}`;
    return h("a", { class: "share", href: this.analytics(id), "aria-label": `${who}: ${percent} of the last 24 hours, ${share.clicks.toLocaleString("en")} people` },
      h("span", { class: "figs" }, h("b", {}, percent), h("span", {}, h("span", {}, share.clicks.toLocaleString("en")))),
      h("svg", { class: "bar", "aria-hidden": "true" }, h("rect", { class: "track", width: "100%", height: "100%" }), h("rect", { class: `fill ${colour}`, width: percent, height: "100%" })));
  }

  actions(rule, place) {
    if (!this.mayEdit) return h("div", { class: "acts" });
    const flip = (event) => this.draft.replace(rule.key, { enabled: event.target.checked });
    return h("div", { class: "acts" },
      h("input", { class: "switch", type: "checkbox", role: "switch", "data-control": "switch", "aria-label": `Rule ${place + 1} on`, checked: rule.enabled, onchange: flip }),
      h("button", { type: "button", class: "btn btn-quiet btn-icon", "data-control": "more", "aria-label": `More for rule ${place + 1}`, "aria-haspopup": "menu", "aria-expanded": "false", onclick: (event) => this.menu(event.currentTarget, rule) }, icon("more")));
  }

  menu(opener, rule) {
    popMenu(opener, `Rule ${this.draft.place(rule.key) + 1}`, [
      { label: "Edit", key: "E", run: () => this.edit(rule.key) },
      { label: "Duplicate", key: "D", run: () => this.duplicate(rule.key) },
      { label: "Move to place…", run: () => this.askPlace(rule.key) },
      ...(rule.id ? [{ label: "Show in analytics", run: () => location.assign(this.analytics(rule.id)) }] : []),
      null,
      { label: "Delete rule", key: "Del", run: () => this.remove(rule.key), danger: true },
    ], () => this.isStale && this.draw());
  }

  analytics(id) {
    return `/offers/${this.offer.id}/analytics?rule=${encodeURIComponent(id)}`;
  }

  askPlace(key) {
    const total = this.draft.rules.length;
    const field = h("input", { class: "input", id: "to-place", type: "number", min: "1", max: String(total), value: String(this.draft.place(key) + 1) });
    const dialog = h("dialog", { "aria-labelledby": "to-place-title" }, h("form", { method: "dialog", onsubmit: () => this.moveTo(key, Number(field.value) - 1, "Moved to") },
      h("div", { class: "dlg-body" }, h("h2", { id: "to-place-title" }, "Move to place"), h("div", { class: "field" }, h("label", { for: "to-place" }, `Place, 1 to ${total}`), field)),
      h("div", { class: "dlg-foot" }, button("Cancel", () => dialog.close(), { class: "btn btn-quiet" }), h("button", { class: "btn btn-primary" }, "Move"))));
    dialog.addEventListener("close", () => (dialog.remove(), this.row(key)?.querySelector('[data-control="more"]')?.focus()));
    document.body.append(dialog);
    dialog.showModal();
    field.select();
  }

  duplicate(key) {
    const place = this.draft.place(key) + 1;
    const { name, enabled, when, destination_url } = this.draft.rule(key);
    this.draft.add({ name, enabled, when, destination_url }, place);
    announce(`Duplicated at place ${place + 1}. Not saved.`);
  }

  remove(key) {
    const place = this.draft.place(key);
    this.draft.remove(key);
    this.open = null;
    toast(`Rule ${place + 1} deleted.`, { small: "Not saved", lamp: "off", action: { label: "Undo", run: () => this.draft.undo() } });
    const next = this.draft.rules[Math.min(place, this.draft.rules.length - 1)];
    (next ? this.row(next.key)?.querySelector(".when") : this.element.querySelector(".rule-add button"))?.focus();
  }

  warningsOf(place) {
    const name = this.draft.nameAt(place);
    return this.warnings.filter((warning) => warning.rule_id === name);
  }

  strips(rule, place) {
    if (!rule.enabled) return [];
    return this.warningsOf(place).map((warning) => (warning.code === "overlaps" ? this.overlap(warning) : h("div", { class: "strip" }, icon("warn"), ...this.words_of(warning, rule))));
  }

  placesOf(names) {
    return names.map((name) => this.draft.keyOf(name)).filter(Boolean).map((key) => this.draft.place(key) + 1);
  }

  overlap(warning) {
    const places = this.placesOf(warning.by);
    return h("p", { class: "small quiet overlap" }, `Some visitors fit rule ${places.join(" and ")} too. The one above wins.`);
  }

  words_of(warning, rule) {
    if (warning.code !== "never") return [h("p", {}, warning.message), this.remedy(warning, rule.destination_url, (url) => this.draft.replace(rule.key, { destination_url: url }), () => this.edit(rule.key))];
    const places = this.placesOf(warning.by);
    if (!places.length) return [h("p", {}, h("b", {}, "Never reached."), " Its own conditions exclude each other."), this.mayEdit ? button("Edit", () => this.edit(rule.key), { class: "btn btn-s" }) : ""];
    const first = Math.min(...places);
    const whom = lower(say(this.draft.rules[first - 1].when, this.words));
    const covered = places.length === 1 ? `Rule ${first} covers it: everyone ${whom}.` : `Rules ${places.slice(0, -1).join(", ")} and ${places.at(-1)} cover it.`;
    return [h("p", {}, h("b", {}, "Never reached."), ` ${covered}`), this.mayEdit ? button(`Move above rule ${first}`, () => this.moveTo(rule.key, first - 1, "Moved to"), { class: "btn btn-s" }) : ""];
  }

  /** One press that mends what a warning says of a destination; else one that opens it. */
  remedy(warning, url, replace, edit) {
    if (!this.mayEdit) return "";
    const mend = { not_https: ["Use https", withHttps], no_click_id: ["Add {click_id}", withClickId] }[warning.code];
    return mend ? button(mend[0], () => replace(mend[1](url)), { class: "btn btn-s" }) : button("Edit", edit, { class: "btn btn-s" });
  }

  editorRow(rule, place) {
    if (this.editor?.element.dataset.key === rule.key) return this.editor.element;
    this.editor = new Editor({
      rule, place, words: this.words, groups: this.groups, shares: this.countries, offer: this.offer, samples: this.samples, error: this.error,
      done: (fields) => (this.draft.replace(this.open, fields), this.shut()),
      cancel: () => this.shut(),
      extra: [{ label: "Duplicate", run: () => ((key) => (this.shut(), this.duplicate(key)))(this.open) }, { label: "Delete rule", run: () => this.remove(this.open), danger: true }],
    });
    return this.editor.element;
  }

  addRow() {
    return h("li", { class: "rule-add" }, h("button", { type: "button", class: "btn btn-quiet", onclick: () => this.add() }, icon("plus"), "Add rule ", h("kbd", {}, "N")));
  }

  emptyRow() {
    return h("li", { class: "rule-empty" }, h("p", { class: "strong" }, "No rules yet"), h("p", { class: "muted" }, "Everyone goes to ", h("span", { class: "url" }, prettyUrl(this.draft.now.fallback_url ?? this.offer.destination_url)), ". Add a rule to send some visitors elsewhere."),
      this.mayEdit ? button("Start from an example", () => this.example(), { class: "btn btn-s" }) : null);
  }

  /** Three rules to change: they lead where everyone goes now. */
  example() {
    const to = this.draft.now.fallback_url ?? this.offer.destination_url;
    const whens = [{ country: ["US"], device: ["mobile"] }, { country: ["US"], device: ["desktop"] }, { country: ["GB"] }];
    this.draft.edit((now) => now.rules.push(...whens.map((when) => fresh({ when, destination_url: to }))));
    this.element.querySelector(".rule .when")?.focus();
    announce("Three rules added. Give each an address of its own. Not saved.");
  }

  elseRow() {
    const url = this.draft.now.fallback_url;
    const row = h("li", { class: "rule else", "data-key": "fallback" },
      h("div", { class: "move", title: "Always last" }, icon("lock")), number(null),
      h("div", { class: "when-col" }, h("p", { class: "when" }, h("b", { class: "chip" }, "Everyone else"), " ", h("span", { class: "small quiet" }, "always last")),
        this.open === "fallback" ? this.fallbackForm(url) : this.fallbackLine(url)),
      this.share("fallback", null, "no clicks yet"),
      h("div", { class: "acts" }, this.mayEdit && this.open !== "fallback" ? button("Change", () => this.edit("fallback"), { class: "btn btn-s", "data-control": "change" }) : ""));
    if (this.errors.fallback_url) row.append(h("div", { class: "strip bad" }, icon("warn"), h("p", {}, this.errors.fallback_url)));
    row.append(...this.warnings.filter((warning) => ["fallback", "offer"].includes(warning.rule_id)).map((warning) => h("div", { class: "strip" }, icon("warn"), ...this.words_of_else(warning, url))));
    return row;
  }

  words_of_else(warning, url) {
    if (warning.code === "never") return [h("p", {}, h("b", {}, "Nobody is left."), " The rules above take every visitor.")];
    if (warning.rule_id === "offer") {
      const settings = h("a", { class: "btn btn-s", href: `/offers/${this.offer.id}/settings` }, "Change it");
      return [h("p", {}, h("b", {}, "The main destination."), ` ${warning.message}`), this.mayEdit ? settings : ""];
    }
    return [h("p", {}, warning.message), this.remedy(warning, url, (to) => this.draft.edit((now) => (now.fallback_url = to)), () => this.edit("fallback"))];
  }

  fallbackLine(url) {
    return h("p", { class: "to" }, icon("arrow", true), h("span", {}, h("span", { class: "url", title: url ?? this.offer.destination_url }, prettyUrl(url ?? this.offer.destination_url)),
      url ? "" : [" ", h("span", { class: "small quiet nowrap" }, "the main destination")]));
  }

  fallbackForm(url) {
    const field = new DestinationField({ id: "fallback", value: url ?? "", placeholder: this.offer.destination_url, optional: true, offer: this.offer, samples: this.samples });
    this.editor = { element: { dataset: {} }, focus: () => field.input.focus() };
    const finish = (value) => (this.draft.edit((now) => (now.fallback_url = value)), this.shut());
    return h("form", { class: "stack", "aria-label": "Where everyone else goes", onsubmit: (event) => (event.preventDefault(), finish(field.value || null)), onkeydown: (event) => event.key === "Escape" && (event.stopPropagation(), this.shut()) },
      h("label", { class: "sr", for: "fallback" }, "Fallback URL"), field.element,
      h("p", { class: "hint" }, "Leave it empty to use the main destination."),
      h("div", { class: "row" }, h("button", { class: "btn btn-primary btn-s" }, "Done"), button("Cancel", () => this.shut(), { class: "btn btn-quiet btn-s" }), url ? button("Use the main destination", () => finish(null), { class: "btn btn-quiet btn-s" }) : ""));
  }

  /** Keys on a focused row: E, D, Delete, Alt+arrows. */
  key(event) {
    const key = event.target.closest?.(".rule:not(.open):not(.else)")?.dataset.key;
    if (!key || !this.mayEdit || event.defaultPrevented || event.ctrlKey || event.metaKey || event.target.closest(".menu, input:not([type=checkbox])")) return;
    const place = this.draft.place(key);
    const acts = event.altKey
      ? { ArrowUp: () => this.moveTo(key, place - 1, "Moved up to"), ArrowDown: () => this.moveTo(key, place + 1, "Moved down to") }
      : { e: () => this.edit(key), d: () => this.duplicate(key), Delete: () => this.remove(key) };
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  }
}

const lower = (text) => text[0].toLowerCase() + text.slice(1);
