// Why a visitor gets what they get: rule by rule, condition by condition, until the first match.

import { h, number } from "./dom.js";

/** List items for a trace of the server's; `placeOf(ruleId)` is a rule's place from 0. */
export function steps(trace, words, placeOf) {
  const items = trace.filter((step) => step.outcome !== "not_reached").map((step) => item(step, placeOf(step.rule_id), words));
  const left = trace.filter((step) => step.outcome === "not_reached").map((step) => placeOf(step.rule_id) + 1);
  if (left.length) items.push(h("li", { class: "skipped" }, `${notAsked(left)} not asked: the first match decides.`));
  return items;
}

function item(step, place, words) {
  const look = { matched: ["hit", "yes"], disabled: ["why", "off"], failed: ["why", "no"] }[step.outcome];
  return h("li", {}, number(place + 1, true), h("span", { class: look[0] }, said(step, words)), h("span", { class: look[1] === "yes" ? "res yes" : "res" }, look[1]));
}

function said(step, words) {
  if (step.outcome === "disabled") return "Switched off";
  if (step.outcome === "matched") return step.conditions.length ? `${capital(step.conditions.map((one) => valueOf(one, words)).join(", "))} fits` : "Everybody fits";
  return step.conditions.filter((one) => !one.holds).map((one) => `${capital(valueOf(one, words))}, needs ${one.needs.replace(/^(from|on|with) /, "")}`).join("; ");
}

const valueOf = (condition, words) => words[condition.kind]?.[condition.value] ?? condition.value;
const capital = (text) => (/^(iOS|macOS)/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1));

function notAsked(places) {
  if (places.length === 1) return `Rule ${places[0]} is`;
  const runs = places.at(-1) - places[0] === places.length - 1;
  return runs && places.length > 2 ? `Rules ${places[0]} to ${places.at(-1)} are` : `Rules ${places.slice(0, -1).join(", ")} and ${places.at(-1)} are`;
}
