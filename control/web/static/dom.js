// Building DOM from values: text is always text, so nothing stored can run.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element; `on…` properties listen, `class` and attributes are set as they are, null and false are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = tag === "svg" || tag === "use" || tag === "rect" ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name, small = false) {
  return h("svg", { class: small ? "i i-s" : "i", "aria-hidden": "true" }, h("use", { href: `#i-${name}` }));
}

/** A rule's number in the colour of its place; null is everyone else. */
export function number(place, small = false) {
  const size = small ? " no-s" : "";
  if (place === null) return h("span", { class: `no${size} cf` }, icon("else", true));
  return h("span", { class: `no${size}${place <= 8 ? ` c${place}` : ""}` }, String(place));
}

export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "btn", onclick, ...attributes }, label);
}

/** Say something to those who listen instead of look. */
export function announce(text) {
  document.getElementById("live").textContent = text;
}

/** The data block with this id, parsed. */
export function data(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** Call `action` once calls have stopped for `ms`. */
export function debounce(action, ms) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), ms);
  };
}

export const isTyping = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
