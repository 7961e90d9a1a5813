// Parts of a page that keep themselves current: fetched as the page they are, and exchanged whole.

import { tellTimes } from "./times.js";

export function startRefreshing() {
  document.querySelectorAll("[data-refresh]").forEach((part) => {
    reveal(part);
    keepCurrent(part.id, Number(part.dataset.refresh) * 1000);
  });
}

function keepCurrent(id, everyMs) {
  const look = async () => {
    if (document.visibilityState === "visible" && !isBusy(id)) await exchange(id);
    setTimeout(look, everyMs);
  };
  setTimeout(look, everyMs);
}

/** Whether somebody is in the middle of it: focus, a selection or an open dialog must not be lost. */
function isBusy(id) {
  const part = document.getElementById(id);
  const selection = getSelection();
  return (
    !part || part.contains(document.activeElement) || part.querySelector("dialog[open], :popover-open, [data-busy]") !== null ||
    (selection && !selection.isCollapsed && part.contains(selection.anchorNode))
  );
}

async function exchange(id) {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  const alive = document.querySelector("[data-alive]");
  alive?.classList.toggle("off", !response?.ok);
  if (!response?.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById(id);
  if (!fresh || isBusy(id)) return;
  const part = document.getElementById(id);
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  fresh.querySelectorAll("details").forEach((details, place) => (details.open = open[place] ?? details.open));
  reveal(fresh);
  tellTimes(fresh);
  part.replaceChildren(...fresh.childNodes);
  part.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
}

function reveal(part) {
  part.querySelectorAll("[data-scripted]").forEach((element) => (element.hidden = false));
}
