// Saved tests: visitors with a name and where they must go, asked of the draft while it changes and of every save.

import { call, post, Problem } from "./api.js";
import { DestinationField } from "./destination.js";
import { announce, button, debounce, h, icon } from "./dom.js";
import { popMenu } from "./pop-menu.js";
import { say } from "./sentence.js";
import { toast } from "./toast.js";

const NAMED = { fallback: "everyone else", off: "the main destination" };
const ADDRESS = "address";

export class SavedTests {
  /** `tests` as the API gives them; `tester` is the panel's visitor test; `changed(failed)` hears how many fail. */
  constructor({ element, draft, words, offer, tests, mayEdit, tester, changed }) {
    Object.assign(this, { draft, words, offer, tests, mayEdit, tester, changed });
    this.api = `/api/v1/offers/${offer.id}/smart-link/tests`;
    this.outcomes = {};
    this.list = h("ul", { class: "checks" });
    this.home = h("div");
    this.element = h("section", { id: "saved-tests", "aria-labelledby": "saved-tests-title", tabindex: "-1" },
      h("h3", { id: "saved-tests-title" }, "Saved tests ", h("span", { class: "opt small" }, "run at every save")), this.list, this.home);
    element.append(this.element);
    this.again = debounce(() => this.run(), 250);
    draft.addEventListener("change", this.again);
    if (mayEdit) tester.keep = (found) => this.keep(found);
    this.draw();
    this.run();
  }

  // -- how they fare

  async run() {
    const asked = this.draft.body();
    if (!this.tests.length || asked.rules.some((rule) => !rule.destination_url)) return this.tests.length || this.changed(0);
    const report = await post(`${this.api}/run`, { draft: asked }).catch(() => null);
    if (!report || JSON.stringify(asked) !== JSON.stringify(this.draft.body())) return;
    this.outcomes = Object.fromEntries(report.tests.map((test) => [test.id, test]));
    this.changed(report.failed);
    this.draw();
  }

  /** Draw the list anew, unless its menu is open: that would be pulled from under the pointer. */
  draw() {
    this.isStale = this.list.querySelector(".menu") !== null;
    if (this.isStale) return;
    const focused = document.activeElement?.closest?.("[data-test]");
    const part = document.activeElement?.dataset?.part;
    this.list.replaceChildren(...this.tests.map((test) => this.item(test)));
    if (focused && part) this.list.querySelector(`[data-test="${focused.dataset.test}"] [data-part="${part}"]`)?.focus();
    if (!this.tests.length && !this.form) this.list.append(h("li", { class: "small muted" }, "None yet. Test a visitor, then keep the result: a save that would send them elsewhere is refused."));
  }

  item(test) {
    const outcome = this.outcomes[test.id];
    const failed = outcome && !outcome.passed;
    const state = !outcome ? "" : failed ? "fails" : "passes";
    return h("li", { class: failed ? "bad" : null, "data-test": test.id },
      outcome ? icon(failed ? "warn" : "check") : h("span", { class: "i" }),
      h("span", { class: "grow" },
        h("button", { type: "button", class: "link", "data-part": "name", title: outcome?.message, onclick: () => this.tester.test(test.visitor, test.name) }, test.name, h("span", { class: "sr" }, ` ${state}: show what they get`)),
        h("span", { class: failed ? "miss" : "quiet" }, ` ${this.fate(test, outcome)}`)),
      this.mayEdit ? h("button", { type: "button", class: "btn btn-quiet btn-icon btn-s", "data-part": "more", "aria-label": `More for the test ${test.name}`, "aria-haspopup": "menu", "aria-expanded": "false", onclick: (event) => this.menu(event.currentTarget, test) }, icon("more")) : null);
  }

  fate(test, outcome) {
    const wanted = this.expected(test.expected);
    if (!outcome) return `must go to ${wanted}`;
    if (outcome.passed) return `goes to ${wanted}`;
    const got = test.expected.destination_url ? short(outcome.destination_url) : this.called(outcome.rule_id);
    return `would go to ${got}, not ${wanted}`;
  }

  expected({ rule_id: rule, destination_url: url }) {
    return url ? short(url) : this.called(rule);
  }

  called(rule) {
    const place = this.draft.placeOf(rule);
    return NAMED[rule] ?? (place < 0 ? "a rule that is gone" : `rule ${place + 1}`);
  }

  menu(opener, test) {
    popMenu(opener, test.name, [
      { label: "Edit", run: () => this.open(test) },
      null,
      { label: "Delete test", run: () => this.remove(test), danger: true },
    ], () => this.isStale && this.draw());
  }

  // -- keeping and changing them

  /** Offer to keep what the tester just found: {visitor, name, rule_id}. */
  keep({ visitor, name, rule_id: rule }) {
    const place = this.draft.placeOf(rule);
    const isStored = place < 0 || this.draft.rules[place].id;
    const expected = isStored ? { rule_id: rule } : { destination_url: this.draft.rules[place].destination_url };
    this.open({ name: this.free(name), visitor, expected });
  }

  free(name) {
    const taken = (text) => this.tests.some((test) => test.name === text);
    let text = name;
    for (let nth = 2; taken(text); nth += 1) text = `${name} ${nth}`;
    return text;
  }

  open(test) {
    this.shut();
    this.form = new TestForm({
      test, words: this.words, offer: this.offer, ways: this.ways(test.expected.rule_id), tested: () => this.tester.visitor,
      done: (fields) => this.store(test.id, fields), cancel: () => (this.shut(), this.element.focus()),
    });
    this.home.replaceChildren(this.form.element);
    this.draw();
    this.form.focus();
  }

  shut() {
    this.form = null;
    this.home.replaceChildren();
    this.draw();
  }

  /** What a visitor can be expected to get: the stored rules of the draft, everyone else, off, and `kept` whatever it is. */
  ways(kept) {
    const rules = this.draft.rules.flatMap((rule, place) => (rule.id ? [[rule.id, `Rule ${place + 1}: ${rule.name || say(rule.when, this.words)}`]] : []));
    const ways = [...rules, ["fallback", "Everyone else"], ["off", "The main destination, smart link off"]];
    return !kept || ways.some(([id]) => id === kept) ? ways : [...ways, [kept, "A rule that is gone"]];
  }

  async store(id, fields) {
    const saved = await (id ? call("PATCH", `${this.api}/${id}`, fields) : post(this.api, fields));
    this.tests = id ? this.tests.map((test) => (test.id === id ? saved : test)) : [...this.tests, saved];
    this.shut();
    this.list.querySelector(`[data-test="${saved.id}"] [data-part="name"]`)?.focus();
    announce(id ? "Test changed." : "Kept as a test. It runs at every save.");
    await this.run();
  }

  async remove(test) {
    try {
      await call("DELETE", `${this.api}/${test.id}`);
    } catch (problem) {
      return toast(problem.message, { lamp: "warn" });
    }
    this.tests = this.tests.filter((one) => one.id !== test.id);
    this.draw();
    this.element.focus();
    const { name, visitor, expected } = test;
    toast(`Test “${name}” deleted.`, { lamp: "off", action: { label: "Undo", run: () => this.store(null, { name, visitor, expected }) } });
    await this.run();
  }
}

/** One saved test being written. */
class TestForm {
  constructor({ test, words, offer, ways, tested, done, cancel }) {
    Object.assign(this, { visitor: test.visitor, words, done });
    this.name = h("input", { class: "input", id: "test-name", value: test.name, maxlength: "200", autocomplete: "off" });
    this.way = h("select", { class: "input", id: "test-way", onchange: () => this.shift() }, [...ways, [ADDRESS, "This address, by any rule"]].map(([value, label]) => h("option", { value }, label)));
    this.way.value = test.expected.destination_url ? ADDRESS : test.expected.rule_id;
    this.address = new DestinationField({ id: "test-address", value: test.expected.destination_url ?? "", placeholder: "https://", offer });
    this.addressField = h("div", { class: "field" }, h("label", { for: "test-address" }, "Address"), this.address.element);
    this.fault = h("p", { class: "err", role: "alert", hidden: true });
    this.who = h("p", { class: "small muted" });
    const use = button("Use the visitor tested above", () => ((this.visitor = tested()), this.shift()), { class: "btn btn-quiet btn-s" });
    this.element = h("form", {
      class: "stack test-form", "aria-label": test.id ? `Edit the test ${test.name}` : "Keep as a test", novalidate: true,
      onsubmit: (event) => (event.preventDefault(), this.finish()), onkeydown: (event) => event.key === "Escape" && !event.defaultPrevented && (event.stopPropagation(), cancel()),
    }, this.who, test.id && tested() ? use : null,
    h("div", { class: "field" }, h("label", { for: "test-name" }, "Name"), this.name),
    h("div", { class: "field" }, h("label", { for: "test-way" }, "They must go to"), this.way), this.addressField, this.fault,
    h("div", { class: "row" }, h("button", { class: "btn btn-primary btn-s" }, test.id ? "Done" : "Keep test"), button("Cancel", cancel, { class: "btn btn-quiet btn-s" })));
    this.shift();
  }

  shift() {
    this.who.replaceChildren("Visitor: ", h("b", {}, described(this.visitor, this.words)));
    this.addressField.hidden = this.way.value !== ADDRESS;
  }

  async finish() {
    const isAddress = this.way.value === ADDRESS;
    if (!this.name.value.trim()) return this.refuse("Give the test a name, such as US iPhone.", this.name);
    if (isAddress && !this.address.value) return this.address.refuse("Write where they must go."), this.address.input.focus();
    const expected = isAddress ? { destination_url: this.address.value } : { rule_id: this.way.value };
    try {
      await this.done({ name: this.name.value.trim(), visitor: this.visitor, expected });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const isAboutName = problem.errors[0]?.path === "name";
      this.refuse(problem.errors[0]?.message ?? problem.message, isAboutName ? this.name : null);
    }
  }

  refuse(words, field) {
    this.fault.hidden = false;
    this.fault.replaceChildren(icon("warn", true), words);
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
  }

  focus() {
    this.name.focus();
    this.name.select();
    this.element.scrollIntoView({ block: "nearest" });
  }
}

/** A visitor as the API takes one, in words. */
export function described(visitor, words) {
  const known = ["country", "device", "os"].filter((kind) => visitor[kind]).map((kind) => words[kind][visitor[kind]] ?? visitor[kind]);
  const agent = visitor.user_agent ? [`${visitor.user_agent.slice(0, 60)}${visitor.user_agent.length > 60 ? "…" : ""}`] : [];
  return [...known, ...(visitor.ip ? [visitor.ip] : []), ...agent].join(", ") || "nobody known";
}

const short = (url) => url.replace(/^https?:\/\//i, "").replace(/\/$/, "");
