// Somebody else saved meanwhile: what each side changed, beside one another, and four ways on, none of which loses anything.

import { differences } from "./differences.js";
import { announce, button, h, icon, number } from "./dom.js";
import { prettyUrl, sentence } from "./sentence.js";

/** Show what `current` (live now, saved by `author`) and `draft` changed since both began; `save` stores the draft over it. */
export function showConflict({ current, author, draft, offer, words, save, keepEditing }) {
  const [theirs, mine] = [current, draft.body()].map((link) => differences(link, draft.saved));
  const both = new Set(theirs.map(({ id }) => id).filter((id) => mine.some((one) => one.id === id)));
  const end = (run) => () => (dialog.close(), run());
  const side = (title, changes) => h("section", { class: "card", "aria-label": title }, h("div", { class: "card-head" }, h("h3", {}, title)),
    changes.length ? h("ol", { class: "diff" }, changes.map((change) => item(change, both, offer, words))) : h("p", { class: "card-body muted" }, "The same as when you began."));
  const dialog = h("dialog", { class: "wide", "aria-labelledby": "conflict" },
    h("div", { class: "dlg-body" }, h("h2", { id: "conflict" }, `${author} saved revision ${current.revision} while you were editing`),
      h("p", { class: "muted" }, `Nothing of yours is lost. Choose what revision ${current.revision + 1} should be.${shared(current, theirs, mine)}`),
      h("div", { class: "grid-2" }, side("Theirs, live now", theirs), side("Yours, not saved", mine))),
    h("div", { class: "dlg-foot" },
      button("Drop mine", end(() => draft.load(current)), { class: "btn btn-quiet" }),
      button("Keep editing", end(keepEditing), { class: "btn btn-quiet" }),
      button("Use mine only", end(save)),
      button("Put mine on top of theirs", end(() => (layOver(draft, current), announce("Your changes lie on top of theirs. Not saved yet."))), { class: "btn btn-primary" })));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** How many rules nobody touched, in a sentence: they are not listed. */
function shared(current, theirs, mine) {
  const touched = new Set([...theirs, ...mine].map(({ id }) => id));
  const left = current.rules.filter(({ id }) => !touched.has(id)).length;
  return left ? ` ${left === 1 ? "One rule is" : `${left} rules are`} the same on both sides.` : "";
}

function item(change, both, offer, words) {
  const { id, place, title, what, was, now, rule } = change;
  const sign = id === "whole" ? h("span", { class: "no" }, icon("share", true)) : number(id === "else" ? null : place + 1);
  const shown = (value) => (id === "else" ? h("span", { class: "url" }, prettyUrl(value ?? offer.destination_url)) : ruleText(value, words));
  return h("li", {}, sign, h("div", {},
    h("p", {}, h("b", { class: "strong" }, title), " ", h("span", { class: "muted" }, what), both.has(id) ? [" ", h("span", { class: "tag edited" }, "both changed it")] : null),
    "was" in change ? h("div", { class: "was" }, shown(was)) : null,
    "now" in change ? h("div", { class: "now" }, shown(now)) : null,
    rule ? ruleText(rule, words) : null));
}

function ruleText(rule, words) {
  return h("span", {}, sentence(rule.when, words), rule.name ? [" ", h("span", { class: "muted" }, `“${rule.name}”`)] : null,
    h("br"), icon("arrow", true), "\u00a0", h("span", { class: "url" }, prettyUrl(rule.destination_url)));
}

/** Make `draft` begin anew from `theirs` with its own changes on top, to be looked at before saving. */
export function layOver(draft, theirs) {
  const base = draft.saved;
  const mine = draft.now;
  const touched = mine.rules.filter((rule) => draft.mark(rule.key));
  const removed = base.rules.filter((rule) => !mine.rules.some((one) => one.key === rule.key)).map((rule) => rule.key);
  const stayed = (list, other) => JSON.stringify(list.filter((rule) => other.some((one) => one.key === rule.key)).map((rule) => rule.key));
  const moved = stayed(mine.rules, base.rules) !== stayed(base.rules, mine.rules);
  draft.load(theirs);
  draft.edit((now) => {
    if (mine.enabled !== base.enabled) now.enabled = mine.enabled;
    if (mine.fallback_url !== base.fallback_url) now.fallback_url = mine.fallback_url;
    now.rules = now.rules.filter((rule) => !removed.includes(rule.key));
    for (const rule of touched) {
      const place = now.rules.findIndex((one) => one.key === rule.key);
      if (place >= 0) now.rules[place] = structuredClone(rule);
      else now.rules.splice(mine.rules.indexOf(rule), 0, structuredClone(rule));
    }
    if (moved) {
      const order = mine.rules.map((rule) => rule.key);
      const rank = (rule) => (order.includes(rule.key) ? order.indexOf(rule.key) : Infinity);
      now.rules.sort((a, b) => rank(a) - rank(b));
    }
  });
}
