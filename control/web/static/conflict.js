// Somebody else saved meanwhile: both versions side by side, and four ways on, none of which loses anything unasked.

import { announce, button, h, icon, number } from "./dom.js";
import { FIELDS } from "./draft.js";
import { sentence } from "./sentence.js";

/** Show `current` (live now, saved by `author`) beside `draft`; `save` stores the draft over it. */
export function showConflict({ current, author, draft, offer, words, save, keepEditing }) {
  const base = draft.saved;
  const end = (run) => () => (dialog.close(), run());
  const side = (title, link) => h("div", { class: "card" }, h("div", { class: "card-head" }, h("h3", {}, title)), rulesOf(link, base, offer, words));
  const dialog = h("dialog", { class: "wide", "aria-labelledby": "conflict" },
    h("div", { class: "dlg-body" }, h("h2", { id: "conflict" }, `${author} saved revision ${current.revision} while you were editing`),
      h("p", { class: "muted" }, `Nothing of yours is lost. Choose what revision ${current.revision + 1} should be.`),
      h("div", { class: "grid-2" }, side("Theirs, live now", current), side("Yours, not saved", draft.body()))),
    h("div", { class: "dlg-foot" },
      button("Drop mine", end(() => draft.load(current)), { class: "btn btn-quiet" }),
      button("Keep editing", end(keepEditing), { class: "btn btn-quiet" }),
      button("Use mine only", end(save)),
      button("Put mine on top of theirs", end(() => (layOver(draft, current), announce("Your changes lie on top of theirs. Not saved yet."))), { class: "btn btn-primary" })));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function rulesOf(link, base, offer, words) {
  const to = (url) => h("p", { class: "to url" }, icon("arrow", true), url);
  const rules = link.rules.map((rule, place) => h("li", {}, number(place + 1), h("div", {},
    h("p", { class: "when" }, sentence(rule.when, words), rule.enabled ? null : [" ", h("span", { class: "tag" }, "off")], tag(rule, base)), to(rule.destination_url))));
  const last = h("li", {}, number(null), h("div", {}, h("p", { class: "when" }, "Everyone else"), to(link.fallback_url ?? offer.destination_url)));
  return [link.enabled ? null : h("p", { class: "card-body small" }, "The smart link is off."), h("ol", { class: "diff" }, rules, last)];
}

/** What a side did to a rule since both began. */
function tag(rule, base) {
  const old = base.rules.find((one) => one.id && one.id === rule.id);
  const word = !old ? "new" : FIELDS.every((field) => JSON.stringify(old[field]) === JSON.stringify(rule[field])) ? null : "edited";
  return word && [" ", h("span", { class: "tag edited" }, word)];
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
