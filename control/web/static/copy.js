// Buttons that copy what they carry, and say that they did.

import { announce, icon } from "./dom.js";
import { toast } from "./toast.js";

const SHOWN_MS = 1500;

export function startCopying() {
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest?.("[data-copy]");
    if (pressed) copy(pressed, pressed.dataset.copy);
  });
}

/** Copy `text`; `pressed`, a button, shows a tick for a moment. */
export async function copy(pressed, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    toast("The browser did not allow copying.", { small: text, lamp: "warn", stay: true });
    return;
  }
  announce("Copied.");
  const before = [...pressed.childNodes];
  pressed.replaceChildren(icon("check", true), ...(pressed.matches(".btn-icon") ? [] : [" Copied"]));
  setTimeout(() => pressed.replaceChildren(...before), SHOWN_MS);
}
