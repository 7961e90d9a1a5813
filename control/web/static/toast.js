// One slim line above where Save was pressed: ten seconds, longer while it is looked at.

import { button, h, icon } from "./dom.js";

const STAY_MS = 10_000;

/** Show a toast; `action` is {label, run}, `stay` keeps it until dismissed. Returns its handle. */
export function toast(text, { small = "", lamp = "ok", action = null, stay = false } = {}) {
  const line = h("p");
  const dot = h("span");
  const box = h("div", { class: "toast" }, dot, line);
  if (action) box.append(button(action.label, () => (handle.close(), action.run())));
  box.append(h("button", { type: "button", class: "btn btn-quiet btn-icon", "aria-label": "Dismiss", onclick: () => handle.close() }, icon("x")));
  const home = document.querySelector(".dock .toasts") ?? document.getElementById("toasts");
  let timer;
  const handle = {
    say(words, note = "", state = "ok") {
      dot.className = `lamp-dot ${state}`;
      line.replaceChildren(words, note ? " " : "", note ? h("small", {}, note) : "");
    },
    close() {
      clearTimeout(timer);
      box.remove();
    },
    leaveSoon() {
      clearTimeout(timer);
      timer = setTimeout(() => handle.close(), STAY_MS);
    },
  };
  handle.say(text, small, lamp);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("focusin", () => clearTimeout(timer));
  if (!stay) {
    box.addEventListener("pointerleave", () => handle.leaveSoon());
    box.addEventListener("focusout", () => handle.leaveSoon());
    handle.leaveSoon();
  }
  home.replaceChildren(box);
  return handle;
}

/** Take away what was said: it is no longer so. */
export function clearToast() {
  document.querySelectorAll(".toasts").forEach((home) => home.replaceChildren());
}
