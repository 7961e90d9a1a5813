// A rule's conditions in English. The server says the same words (shared/conditions.py); here they become chips.

import { h } from "./dom.js";

const SHOWN = 4;
const KINDS = [
  ["country", "From", "anywhere"],
  ["device", "on", "any device"],
  ["os", "with", "any system"],
];

/** What a condition lists: {include: [...] | null, exclude: [...]}. */
export function lists(condition) {
  if (Array.isArray(condition)) return { include: condition, exclude: [] };
  return { include: condition.in ?? null, exclude: condition.not ?? [] };
}

/** The form the API takes; undefined where nothing is asked. */
export function condition({ include, exclude }) {
  if (include?.length && exclude.length) return { in: include, not: exclude };
  if (include?.length) return include;
  return exclude.length ? { not: exclude } : undefined;
}

function either(values, label, chip) {
  const shown = values.length > SHOWN ? values.slice(0, SHOWN - 1) : values;
  const words = shown.map((value) => h("span", { class: chip }, label(value)));
  if (shown.length < values.length) words.push(h("span", { class: chip }, `and ${values.length - shown.length} more`));
  return words.flatMap((word, place) => {
    if (place === 0) return [word];
    const last = place === words.length - 1;
    return [last && shown.length === values.length ? " or " : shown.length < values.length && last ? " " : ", ", word];
  });
}

/** Nodes of the sentence: From [United States] on [mobile] with [iOS]. */
export function sentence(when, words) {
  const nodes = [];
  for (const [kind, preposition, anything] of KINDS) {
    if (!when[kind] && kind !== "country") continue;
    const { include, exclude } = when[kind] ? lists(when[kind]) : { include: null, exclude: [] };
    const label = (value) => words[kind][value] ?? value;
    nodes.push(nodes.length ? ` ${preposition} ` : `${preposition} `);
    nodes.push(...(include ? either(include, label, "chip") : [anything]));
    if (exclude.length) nodes.push(" except ", ...either(exclude, label, "chip not"));
  }
  return nodes;
}

export const say = (when, words) => sentence(when, words).map((node) => (typeof node === "string" ? node : node.textContent)).join("");

/** A destination for people: the host stands out, macros are marked. */
export function prettyUrl(url) {
  const [, host, rest] = /^[a-z][a-z0-9+.-]*:\/*([^/?#]*)(.*)$/is.exec(url) ?? [null, url, ""];
  const parts = rest === "/" ? [] : rest.split(/(\{[a-z0-9_]+\})/);
  return [h("b", {}, host), ...parts.map((part, place) => (place % 2 ? h("span", { class: "macro" }, part) : part))];
}
