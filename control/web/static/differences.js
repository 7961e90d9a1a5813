// What one version of a smart link changed against another: the same stations as the History tab tells of.

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const WORDS = { name: "renamed", when: "conditions changed", destination_url: "destination changed" };

/**
 * Changes from `base` to `link`: {id, title, what}, the whole first and everyone else last. Those of rules have a `place`
 * (from 0) as well, and the rule as it `was` and is `now`, or the `rule` where only its place or switch differs.
 */
export function differences(link, base) {
  const whole = { id: "whole", title: "Smart link", what: link.enabled ? "switched on" : "switched off" };
  const last = { id: "else", title: "Everyone else", what: "destination changed", was: base.fallback_url, now: link.fallback_url };
  return [
    ...(link.enabled === base.enabled ? [] : [whole]),
    ...ruleDifferences(link.rules, base.rules),
    ...(link.fallback_url === base.fallback_url ? [] : [last]),
  ];
}

function ruleDifferences(rules, old) {
  const stayed = inOrder(rules, old);
  const found = rules.map((rule, place) => difference(rule, place, old.findIndex((one) => one.id && one.id === rule.id), old, stayed));
  const gone = old
    .map((rule, place) => ({ ...about(rule, place), what: "deleted", was: rule }))
    .filter(({ id }) => !rules.some((rule) => rule.id === id));
  return [...gone, ...found.filter(Boolean)].sort((a, b) => a.place - b.place);
}

function difference(rule, place, before, old, stayed) {
  if (before < 0) return { ...about(rule, place), what: "added", now: rule };
  const was = old[before];
  const fields = Object.keys(WORDS).filter((field) => !same(rule[field], was[field]));
  const what = fields.map((field) => WORDS[field]);
  if (rule.enabled !== was.enabled) what.push(rule.enabled ? "turned on" : "turned off");
  if (!stayed.has(rule.id)) what.push(`moved from place ${before + 1} to place ${place + 1}`);
  return what.length ? { ...about(rule, place), what: what.join(", "), ...(fields.length ? { was, now: rule } : { rule }) } : null;
}

const about = (rule, place) => ({ id: rule.id ?? `new-${place}`, place, title: `Rule ${place + 1}${rule.name ? `, ${rule.name}` : ""}` });

/** Ids of the most rules that still follow on one another as they did: the others are those that were moved. */
function inOrder(rules, old) {
  const places = rules.map((rule) => old.findIndex((one) => one.id && one.id === rule.id)).filter((place) => place >= 0);
  const best = places.map(() => []);
  places.forEach((place, at) => {
    const longest = best.slice(0, at).filter((_, earlier) => places[earlier] < place).reduce((most, one) => (one.length > most.length ? one : most), []);
    best[at] = [...longest, place];
  });
  return new Set(best.reduce((most, one) => (one.length > most.length ? one : most), []).map((place) => old[place].id));
}
