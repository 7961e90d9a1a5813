// A menu below its button: arrows walk, escape and a press elsewhere close it.

import { h } from "./dom.js";

/** Open a menu called `label` after `opener`; `items` are {label, run, key, danger}, null draws a line; `closed` hears its end. */
export function popMenu(opener, label, items, closed) {
  const shut = (refocus = true) => {
    menu.remove();
    opener.setAttribute("aria-expanded", "false");
    removeEventListener("pointerdown", outside, true);
    if (refocus) opener.focus();
    closed();
  };
  const outside = (event) => menu.contains(event.target) || shut(false);
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label, onkeydown: (event) => walk(event, menu, shut) }, items.map((item) => (item === null ? h("hr") :
    h("button", { type: "button", role: "menuitem", class: item.danger ? "danger" : null, onclick: () => (shut(), item.run()) }, item.label, item.key ? h("kbd", {}, item.key) : null))));
  opener.after(menu);
  opener.setAttribute("aria-expanded", "true");
  addEventListener("pointerdown", outside, true);
  menu.querySelector("button").focus();
}

function walk(event, menu, shut) {
  const items = [...menu.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") event.preventDefault(), event.stopPropagation(), shut();
  else if (to !== undefined) event.preventDefault(), items[(to + items.length) % items.length].focus();
}
