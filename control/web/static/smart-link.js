// The Smart link tab: one draft, shown as rules, tested beside them, previewed, saved at once, proved live.

import { get, post } from "./api.js";
import { announce, data, debounce, isTyping } from "./dom.js";
import { Draft } from "./draft.js";
import { keepDraft, keptDraft } from "./keeping.js";
import { popMenu } from "./pop-menu.js";
import { PreviewPane } from "./preview-pane.js";
import { RuleList } from "./rules.js";
import { SavedTests } from "./saved-tests.js";
import { Saving } from "./saving.js";
import { asSheet } from "./sheet.js";
import { lettersOn } from "./shortcuts.js";
import { toast } from "./toast.js";
import { Trial } from "./trial.js";
import { VisitorTest } from "./visitor-test.js";

const { offer, link, tests, words, groups, samples, may_edit: mayEdit, is_admin: isAdmin, prefill, shares } = data("page-data");
const $ = (id) => document.getElementById(id);
const counted = (count, one, many) => (count === 1 ? `1 ${one}` : `${count} ${many}`);

const draft = new Draft(link);
const kept = mayEdit && keptDraft(offer.id);
if (kept) draft.resume(kept);
keepDraft(offer.id, draft);

const rules = new RuleList({ element: $("rules"), draft, words, groups, samples, offer, mayEdit });
const tester = new VisitorTest({ element: $("test-panel"), draft, words, offer });
new SavedTests({ element: $("test-panel"), draft, words, offer, tests, mayEdit, tester, changed: (failed) => pill("tests-failing", failed, "test fails", "tests fail") });
const saving = new Saving({ draft, rules, offer, words, isAdmin, saved: () => (preview.close(), showShares(), trial.look()) });
const trial = new Trial({
  element: $("trial"), offer, end: (how, revision) => saving.end(how, revision),
  resize: (share, revision) => saving.resize(share, revision), changed: () => showState(),
});
const preview = new PreviewPane({
  draft, offer, openRule: (place) => rules.edit(draft.rules[place - 1].key),
  isBusy: () => rules.open !== null && (rules.editor.focus(), announce("Finish the rule that is open first."), true),
});
asSheet($("test-panel"), [$("to-test")], $("close-test"));

// -- the draft and its bar

function showState() {
  const changes = draft.changes;
  $("enabled").checked = draft.now.enabled;
  $("enabled-label").textContent = draft.now.enabled ? "Smart link is on" : "Smart link is off";
  $("savebar").hidden = changes === 0 && !preview.shown;
  $("save").hidden = changes === 0;
  $("save-more").hidden = changes === 0 || trial.revision !== null;
  $("changes").textContent = changes ? counted(changes, "unsaved change", "unsaved changes") : "Nothing is changed";
  $("on-draft").hidden = changes === 0;
}

function pill(id, count, one, many) {
  $(id).hidden = count === 0;
  $(id).textContent = counted(count, one, many);
}

const check = debounce(async () => {
  const asked = draft.body();
  if (asked.rules.some((rule) => !rule.destination_url)) return;
  const answer = await post(`/ui/offers/${offer.id}/check`, asked).catch(() => null);
  if (!answer || JSON.stringify(asked) !== JSON.stringify(draft.body())) return;
  rules.warn(answer.warnings);
  pill("warnings", answer.warnings.filter((warning) => warning.code !== "overlaps").length, "warning", "warnings");
}, 200);

draft.addEventListener("change", () => (showState(), check()));
preview.toggled = showState;
$("enabled").addEventListener("change", (event) => draft.edit((now) => (now.enabled = event.target.checked)));
$("warnings").addEventListener("click", (event) => {
  event.preventDefault();
  preview.close();
  document.querySelector(".rule .strip")?.closest(".rule").querySelector(".when, [data-control]")?.focus();
});
$("tests-failing").addEventListener("click", (event) => {
  event.preventDefault();
  preview.close();
  $("test-panel").classList.add("open");
  $("saved-tests").querySelector(".bad [data-part=name]")?.focus();
});
$("discard").addEventListener("click", () => discard());
$("save-more").firstElementChild.addEventListener("click", ({ currentTarget }) =>
  popMenu(currentTarget, "More ways to save", shares.map((share) => ({ label: `Try on ${share}% of the traffic`, run: () => saving.save({ share }) })), () => {}));
addEventListener("beforeunload", (event) => draft.changes && event.preventDefault());

function discard() {
  rules.open = null;
  draft.discard();
  toast("Changes discarded.", { lamp: "off", action: { label: "Undo", run: () => draft.undo() } });
}

// -- where people went and came from lately

const HOUR_MS = 3_600_000;
const QUARTER_MS = HOUR_MS / 4; // what clicks are counted by; the running one is to be in it

/** Clicks of the last `hours`, by `kind`: the total, and {clicks, percent} by key; null while nobody answers. */
async function lately(kind, hours) {
  const [from, to] = [-hours * HOUR_MS, QUARTER_MS].map((ms) => new Date(Date.now() + ms).toISOString());
  const query = new URLSearchParams({ from, to, group_by: kind, interval: "day" });
  const answer = await get(`/api/v1/offers/${offer.id}/analytics?${query}`).catch(() => null);
  const total = answer?.totals.clicks;
  return answer && { total, shares: Object.fromEntries(answer.groups.map(({ key, clicks }) => [key, { clicks, percent: total ? (100 * clicks) / total : 0 }])) };
}

async function showShares() {
  const found = await lately("rule", 24);
  if (!found || JSON.stringify(found.shares) === JSON.stringify(rules.shares)) return;
  rules.shares = found.shares;
  $("people").textContent = found.total.toLocaleString("en");
  $("last-day").hidden = false;
  if (!rules.open) rules.draw();
}

async function learnCountries() {
  const found = await lately("country", 24 * 14);
  if (found?.total) rules.countries = Object.fromEntries(Object.entries(found.shares).map(([code, { percent }]) => [code, percent]));
}

// -- keys

addEventListener("keydown", (event) => {
  const command = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  if (command && event.key === "s") event.preventDefault(), mayEdit && saving.save();
  else if (command && event.key === "z" && !isTyping(event.target) && draft.undo()) event.preventDefault(), announce("Last change undone.");
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target) || document.querySelector("dialog[open]") || !lettersOn()) return;
  const acts = { n: () => mayEdit && !preview.shown && rules.add(), t: () => preview.shown || $("to-test").click(), p: () => draft.changes && preview.open() };
  if (event.key in acts) event.preventDefault(), acts[event.key]();
});

if (kept) toast("Your unsaved changes are back.", { lamp: "off" });
if (prefill && mayEdit && !draft.changes) rules.edit((rules.isNew = draft.add({ when: prefill })));
showState();
check();
showShares();
if (mayEdit) learnCountries();
setInterval(() => document.visibilityState === "visible" && showShares(), 30_000);
