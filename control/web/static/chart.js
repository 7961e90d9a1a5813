// The Analytics tab: numbers of the bar under the pointer, filters by keyboard.

import { h, isTyping } from "./dom.js";
import { lettersOn } from "./shortcuts.js";

const board = document.getElementById("board");
start();
board?.addEventListener("refreshed", start);

function start() {
  const wrap = board?.querySelector("[data-chart]");
  if (wrap) follow(wrap, JSON.parse(board.querySelector("[data-tips]").textContent), wrap.querySelector(".tip"));
  board?.querySelector("[data-filter]")?.addEventListener("submit", addFilter);
}

function follow(wrap, tips, tip) {
  let shown = null;
  const hide = () => {
    tip.hidden = true;
    wrap.querySelectorAll(".column.cursor").forEach((column) => column.classList.remove("cursor"));
    shown = null;
  };
  wrap.addEventListener("pointermove", (event) => {
    const column = columnAt(wrap, event);
    if (!column) return hide();
    if (column === shown) return;
    hide();
    shown = column;
    column.classList.add("cursor");
    fill(tip, tips[Number(column.dataset.bar)]);
    place(wrap, tip, column);
  });
  wrap.addEventListener("pointerleave", hide);
}

/** The column below the pointer; bars lie above columns, so that the event's target does not tell. */
function columnAt(wrap, event) {
  const at = document.elementsFromPoint(event.clientX, event.clientY);
  return at.find((element) => element.matches?.(".column") && wrap.contains(element)) ?? null;
}

function fill(tip, { title, total, rows }) {
  const number = (value) => value.toLocaleString("en-US");
  tip.replaceChildren(
    h("p", { class: "row" }, h("b", { class: "strong" }, title), h("span", { class: "push" }, number(total))),
    h("ul", {}, rows.slice(0, 12).map(({ look, label, value }) => h("li", {}, h("span", { class: `swatch ${look}` }), h("span", { class: "cut" }, label), h("span", { class: "push" }, number(value))))),
  );
  tip.hidden = false;
}

function place(wrap, tip, column) {
  const frame = wrap.getBoundingClientRect();
  const box = column.getBoundingClientRect();
  const right = box.right - frame.left + 8;
  const fits = right + tip.offsetWidth <= frame.width;
  tip.style.left = `${Math.max(0, fits ? right : box.left - frame.left - tip.offsetWidth - 8)}px`;
}

/** The two fields of the form are one parameter of the address. */
function addFilter(event) {
  event.preventDefault();
  const fields = new FormData(event.target);
  const query = new URLSearchParams();
  for (const [name, value] of fields) if (!["by", "is"].includes(name)) query.append(name, value);
  query.append(fields.get("by"), fields.get("is").trim());
  location.assign(`${event.target.action}?${query}`);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const box = board?.querySelector("[data-filter-box]");
  if (event.key === "f" && lettersOn() && box) {
    event.preventDefault();
    box.open = true;
    box.querySelector("select").focus();
  } else if (event.key === "Escape") {
    const open = board?.querySelector("details.menu-box[open]");
    if (open) open.open = false;
    else [...(board?.querySelectorAll("[data-unfilter]") ?? [])].at(-1)?.click();
  }
});

document.addEventListener("click", (event) => {
  board?.querySelectorAll("details.menu-box[open]").forEach((box) => {
    if (!box.contains(event.target)) box.open = false;
  });
});
