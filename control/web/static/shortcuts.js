// Keys that work everywhere. Single letters do nothing while somebody types, and can be turned off.

import { h, isTyping } from "./dom.js";
import { openPalette } from "./palette.js";

const OFF = "turnout-letters-off";
const WAIT_MS = 1500;
const PLACES = { o: "/offers", l: "/links", p: "/partners", c: "/coupons", e: "/edges" };
const TABLE = [
  ["Anywhere", [["Ctrl K", "or /", "Search"], ["G", "then O L P C E", "Offers, links, partners, coupons, edges"], ["N", "", "New, on a list"], ["?", "", "This table"]]],
  ["Smart link", [["Ctrl S", "", "Save"], ["Ctrl Z", "", "Undo the last change"], ["N", "", "Add a rule"], ["E", "or Enter", "Edit the focused rule"], ["Alt ↑", "or Alt\u00a0↓", "Move a rule"], ["D", "", "Duplicate"], ["Del", "", "Delete"], ["T", "", "Test a visitor"], ["P", "", "Preview"]]],
  ["Analytics", [["F", "then type", "Add a filter"], ["Esc", "", "Remove the last filter"]]],
];

/** Whether single letters are to do something. */
export const lettersOn = () => localStorage.getItem(OFF) === null;

export const setLetters = (on) => (on ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"));

export function startShortcuts() {
  let wentAt = -Infinity;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") return event.preventDefault(), openPalette();
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || !lettersOn()) return;
    const going = event.timeStamp - wentAt < WAIT_MS;
    wentAt = -Infinity;
    if (going && event.key in PLACES) return event.preventDefault(), location.assign(PLACES[event.key]);
    if (event.key === "g") wentAt = event.timeStamp;
    else if (event.key === "/") event.preventDefault(), openPalette();
    else if (event.key === "?") event.preventDefault(), showTable();
    else if (event.key === "n") document.querySelector("a[data-new]")?.click();
  });
}

export function showTable() {
  const letters = h("input", { class: "switch", type: "checkbox", role: "switch", checked: lettersOn() });
  letters.addEventListener("change", () => setLetters(letters.checked));
  const dialog = h("dialog", { "aria-labelledby": "keys-title" },
    h("div", { class: "dlg-body" },
      h("h2", { id: "keys-title" }, "Keys"),
      TABLE.map(([title, rows]) => h("section", {}, h("h3", {}, title), h("table", { class: "keys" }, h("tbody", {}, rows.map(([key, more, words]) => h("tr", {}, h("th", { scope: "row" }, ...keys(key, more)), h("td", {}, words))))))),
      h("label", { class: "switch-label" }, letters, "Single letters work")),
    h("form", { method: "dialog", class: "dlg-foot" }, h("button", { class: "btn" }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function keys(key, more) {
  const parts = [h("kbd", {}, key)];
  for (const word of more.split(" ").filter(Boolean)) parts.push(" ", /^(or|then|type)$/.test(word) ? word : h("kbd", {}, word));
  return parts;
}
