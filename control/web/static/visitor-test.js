// Test a visitor, docked beside the rules: what an edge would see, which rule wins, and why each above it does not.

import { Problem, post } from "./api.js";
import { button, debounce, h, icon, number } from "./dom.js";
import { steps } from "./trace.js";

const PRESETS = [
  ["US iPhone", { country: "US", device: "mobile", os: "ios" }],
  ["US desktop", { country: "US", device: "desktop", os: "windows" }],
  ["UK Android", { country: "GB", device: "mobile", os: "android" }],
  ["German iPhone", { country: "DE", device: "mobile", os: "ios" }],
  ["Brazil Android", { country: "BR", device: "mobile", os: "android" }],
  ["French iPad", { country: "FR", device: "tablet", os: "ios" }],
  ["Unknown country", { country: "ZZ", device: "mobile", os: "android" }],
];
const TABS = ["Presets", "By hand", "IP and browser"];

export class VisitorTest {
  constructor({ element, draft, words, offer }) {
    Object.assign(this, { draft, words, offer });
    this.visitor = null;
    this.keep = null; // what "Keep as a test" calls with {visitor, name, rule_id}
    this.tab = 0;
    this.query = "";
    this.presses = []; // [button, visitor] of each preset
    this.form = h("section", { "aria-label": "Visitor" });
    this.result = h("section", { "aria-label": "Result", "aria-live": "polite", hidden: true });
    this.why = h("section", { "aria-label": "Why", hidden: true });
    element.append(this.form, this.result, this.why);
    this.run = debounce(() => this.ask(), 150);
    draft.addEventListener("change", () => this.visitor && this.run());
    this.draw();
  }

  focus() {
    this.form.querySelector('[aria-selected="true"]').focus();
  }

  /** Test a visitor, as the API takes one; `name` is what they are called if they are kept. */
  test(visitor, name) {
    this.visitor = visitor;
    this.name = name;
    for (const [one, preset] of this.presses) one.setAttribute("aria-pressed", String(preset === visitor));
    this.run();
  }

  draw() {
    const tabs = h("div", { class: "seg", role: "tablist", "aria-label": "How to describe the visitor" }, TABS.map((label, nth) =>
      h("button", { type: "button", role: "tab", id: `visitor-tab-${nth}`, "aria-controls": "visitor-panel", "aria-selected": String(nth === this.tab), tabindex: nth === this.tab ? "0" : "-1",
        onclick: () => this.choose(nth), onkeydown: (event) => this.step(event) }, label)));
    const panel = h("div", { id: "visitor-panel", role: "tabpanel", "aria-labelledby": `visitor-tab-${this.tab}` }, [() => this.presets(), () => this.byHand(), () => this.byBrowser()][this.tab]());
    this.form.replaceChildren(tabs, panel, this.tab ? this.parameters() : "");
  }

  choose(nth) {
    this.tab = nth;
    this.draw();
    this.focus();
  }

  step(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) event.preventDefault(), this.choose((this.tab + by + TABS.length) % TABS.length);
  }

  presets() {
    this.presses = PRESETS.map(([label, visitor]) => [h("button", { type: "button", class: "toggle", "aria-pressed": String(this.visitor === visitor), onclick: () => this.test(visitor, label) }, label), visitor]);
    return h("div", { class: "presets" }, this.presses.map(([one]) => one));
  }

  byHand() {
    const choice = (kind, label, options) => {
      const field = h("select", { class: "input", id: `visitor-${kind}`, onchange: () => read() }, options.map(([value, name]) => h("option", { value }, name)));
      return [h("div", { class: "field" }, h("label", { for: `visitor-${kind}` }, label), field), field];
    };
    const countries = Object.entries(this.words.country).filter(([value]) => !value.startsWith("@"));
    const [country, countryField] = choice("country", "Country", countries);
    const [device, deviceField] = choice("device", "Device", Object.entries(this.words.device));
    const [os, osField] = choice("os", "System", Object.entries(this.words.os));
    const read = () => {
      const visitor = { country: countryField.value, device: deviceField.value, os: osField.value };
      this.test(visitor, `${this.words.country[visitor.country]} ${this.words.device[visitor.device]}, ${this.words.os[visitor.os]}`);
    };
    countryField.value = "US";
    deviceField.value = "mobile";
    read();
    return h("div", { class: "stack" }, country, device, os);
  }

  byBrowser() {
    const ip = h("input", { class: "input", id: "visitor-ip", placeholder: "81.2.69.142", autocomplete: "off", spellcheck: "false", maxlength: "64" });
    const agent = h("textarea", { class: "input", id: "visitor-ua", rows: "3", spellcheck: "false", maxlength: "2048" });
    agent.value = navigator.userAgent;
    const read = () => this.test({ ip: ip.value.trim(), user_agent: agent.value.trim() }, ip.value.trim() || "This browser");
    ip.addEventListener("input", read);
    agent.addEventListener("input", read);
    read();
    return h("div", { class: "stack" }, h("div", { class: "field" }, h("label", { for: "visitor-ip" }, "IP address"), ip), h("div", { class: "field" }, h("label", { for: "visitor-ua" }, "User-Agent"), agent, h("p", { class: "hint" }, "Yours, until you paste another.")));
  }

  /** What stands after `?` on the link that the visitor follows. */
  parameters() {
    const field = h("input", { class: "input", id: "visitor-query", value: this.query, placeholder: "via=mara&sub1=tiktok", autocomplete: "off", spellcheck: "false", maxlength: "2000" });
    field.addEventListener("input", () => ((this.query = field.value.trim().replace(/^[?&]/, "")), this.visitor && this.run()));
    return h("div", { class: "field" }, h("label", { for: "visitor-query" }, "On the link, after ?"), field);
  }

  async ask() {
    const asked = this.visitor;
    try {
      const answer = await post(`/api/v1/offers/${this.offer.id}/smart-link/test`, { visitor: asked, query: this.query, draft: this.draft.body() });
      if (asked === this.visitor) this.show(answer);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.result.hidden = false;
      this.why.hidden = true;
      this.result.replaceChildren(h("p", { class: "err" }, icon("warn", true), problem.errors[0]?.message ?? problem.message));
    }
  }

  show({ visitor, rule_id: rule, location, trace }) {
    const place = this.draft.rules.findIndex((_, nth) => this.draft.nameAt(nth) === rule);
    const names = { fallback: "Everyone else", off: "The smart link is off", inactive: "The offer is paused" };
    const decides = place >= 0 ? `Rule ${place + 1} decides` : rule === null ? "Nobody is redirected" : names[rule];
    const shade = place >= 0 && place < 8 ? `c${place + 1}` : "cf";
    const shown = location?.replace("click_id=test", "click_id=…") ?? "410, this offer is closed";
    const copy = button([icon("copy", true), "Copy"], () => navigator.clipboard?.writeText(location), { class: "btn btn-s" });
    const found = { visitor: this.visitor, name: this.name, rule_id: rule };
    const isKept = this.keep && rule && rule !== "inactive";
    const keep = isKept ? button([icon("plus", true), "Keep as a test"], () => this.keep(found), { class: "btn btn-s" }) : null;
    this.result.hidden = false;
    this.result.replaceChildren(
      h("div", { class: `verdict ${shade}` },
        h("p", { class: "row" }, number(place >= 0 ? place + 1 : null), h("b", { class: "strong" }, decides), h("span", { class: "push small quiet" }, location ? String(this.offer.redirect_status) : "410")),
        h("p", { class: "mono" }, shown), location ? h("p", { class: "row" }, copy, keep) : ""),
      h("dl", { class: "facts" }, this.facts(visitor)));
    this.why.hidden = !trace.length;
    this.why.replaceChildren(h("h3", {}, "Why this rule"), h("ol", { class: "trace" }, steps(trace, this.words, (name) => this.draft.placeOf(name))));
  }

  facts({ country, device, os, browser, bot }) {
    const fact = (term, value, code = "") => [h("dt", {}, term), h("dd", {}, value, code ? [" ", h("span", { class: "quiet" }, code)] : "")];
    return [
      fact("Country", this.words.country[country] ?? country, country), fact("Device", this.words.device[device]), fact("System", this.words.os[os]),
      browser ? fact("Browser", browser) : [], fact("Counted as", bot ? "bot" : "person"),
    ].flat();
  }
}
