// What every page does: the phone menu, copy buttons, times in the viewer's zone, search, keys, news of the edges.

import { startCopying } from "./copy.js";
import { watchEdges } from "./edges-line.js";
import { startForms } from "./forms.js";
import { startMenu } from "./menu.js";
import { showNotice } from "./notice.js";
import { openPalette } from "./palette.js";
import { startRefreshing } from "./refresh.js";
import { startRevealing } from "./reveal.js";
import { startShortcuts } from "./shortcuts.js";
import { startTimes } from "./times.js";

document.documentElement.classList.add("scripted");
startTimes();
startMenu();
startCopying();
startForms();
startRevealing();
startShortcuts();
startRefreshing();
showNotice();
watchEdges();

document.addEventListener("click", (event) => {
  if (event.target.closest?.('[data-open="palette"]')) openPalette();
});
document.querySelector('.tabs [aria-current], .seg [aria-current]')?.scrollIntoView({ block: "nearest", inline: "center" });
