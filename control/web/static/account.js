// What one's own account keeps in this browser: the theme, and whether single letters are shortcuts.

import { lettersOn, setLetters } from "./shortcuts.js";
import { setTheme, theme } from "./theme.js";

const letters = document.querySelector("[data-letters]");
const choices = [...document.querySelectorAll("[data-theme-choice]")];

document.querySelector("[data-scripted]").hidden = false;
letters.checked = lettersOn();
letters.addEventListener("change", () => setLetters(letters.checked));
for (const choice of choices) choice.addEventListener("click", () => (setTheme(choice.dataset.themeChoice), mark()));
mark();

function mark() {
  for (const choice of choices) choice.setAttribute("aria-pressed", String(choice.dataset.themeChoice === theme()));
}
