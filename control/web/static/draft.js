// The draft of a smart link: what is saved, what has been changed since, and the way back.

const clone = (value) => structuredClone(value);
/** What there is to change in a rule. */
export const FIELDS = ["name", "enabled", "when", "destination_url"];
let born = 0;

const keyed = (rule) => ({ ...clone(rule), key: rule.id ?? `new-${++born}` });
/** A rule that is not stored yet. */
export const fresh = (rule) => keyed({ id: null, name: "", enabled: true, when: {}, destination_url: "", ...rule });
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export class Draft extends EventTarget {
  constructor(link) {
    super();
    this.load(link);
  }

  /** Begin anew from what is saved. */
  load(link) {
    this.saved = { ...clone(link), rules: link.rules.map(keyed) };
    this.now = clone(this.saved);
    this.past = [];
    this.tell();
  }

  /**
   * The rules that were `sent` are saved now, as `saved`; what was changed since stays a change. Returns old key -> key of
   * those that have got their ids by it.
   */
  settle(sent, saved) {
    const stored = saved.rules.map(keyed);
    const settled = (rule) => {
      const place = sent.findIndex((one) => one.key === rule.key);
      if (place < 0) return rule;
      return same(rule, sent[place]) ? stored[place] : { ...rule, id: stored[place].id, key: stored[place].key };
    };
    this.saved = { ...clone(saved), rules: clone(stored) };
    this.now = clone({ ...this.now, rules: this.now.rules.map(settled) });
    this.past = [];
    this.tell();
    return new Map(sent.map((rule, place) => [rule.key, stored[place].key]));
  }

  /** Go on with a draft that was kept: what it began from, and how far it got. */
  resume({ saved, now }) {
    for (const link of [saved, now]) link.rules = link.rules.map((rule) => (rule.id ? rule : { ...rule, key: `new-${++born}` }));
    Object.assign(this, { saved, now, past: [] });
    this.tell();
  }

  get rules() {
    return this.now.rules;
  }

  place(key) {
    return this.rules.findIndex((rule) => rule.key === key);
  }

  rule(key) {
    return this.rules[this.place(key)];
  }

  /** Change the draft by `change(now)`; one undo takes it back. */
  edit(change) {
    const before = clone(this.now);
    change(this.now);
    if (same(before, this.now)) return;
    this.past.push(before);
    this.tell();
  }

  undo() {
    if (!this.past.length) return false;
    this.now = this.past.pop();
    this.tell();
    return true;
  }

  discard() {
    this.edit((now) => Object.assign(now, clone(this.saved)));
  }

  add(rule, place = this.rules.length) {
    const added = fresh(rule);
    this.edit((now) => now.rules.splice(place, 0, added));
    return added.key;
  }

  replace(key, fields) {
    this.edit((now) => Object.assign(now.rules[this.place(key)], fields));
  }

  remove(key) {
    this.edit((now) => now.rules.splice(this.place(key), 1));
  }

  /** Move a rule to `place` (from 0). Every way to move, by mouse, touch or key, ends here. */
  move(key, place) {
    this.edit((now) => {
      const [rule] = now.rules.splice(this.place(key), 1);
      now.rules.splice(place, 0, rule);
    });
  }

  /** "new", "edited" or "" for the tag beside a rule. */
  mark(key) {
    const old = this.saved.rules.find((rule) => rule.key === key);
    if (!old) return "new";
    return FIELDS.every((field) => same(old[field], this.rule(key)[field])) ? "" : "edited";
  }

  get changes() {
    const keys = this.rules.map((rule) => rule.key);
    const old = this.saved.rules.map((rule) => rule.key);
    const touched = keys.filter((key) => this.mark(key)).length + old.filter((key) => !keys.includes(key)).length;
    const moved = !same(keys.filter((key) => old.includes(key)), old.filter((key) => keys.includes(key)));
    return touched + moved + (this.now.enabled !== this.saved.enabled) + (this.now.fallback_url !== this.saved.fallback_url);
  }

  /** What the API takes. */
  body() {
    const rules = this.rules.map(({ id, name, enabled, when, destination_url }) => ({ ...(id ? { id } : {}), name, enabled, when, destination_url }));
    return { enabled: this.now.enabled, fallback_url: this.now.fallback_url, rules };
  }

  /** How the server names the rule at `place` in answers about a draft. */
  nameAt(place) {
    return this.rules[place].id ?? `new-${place + 1}`;
  }

  /** The place of the rule that the server calls `name`, -1 where there is none. */
  placeOf(name) {
    return this.rules.findIndex((_, place) => this.nameAt(place) === name);
  }

  keyOf(name) {
    const place = this.placeOf(name);
    return place < 0 ? null : this.rules[place].key;
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }
}
