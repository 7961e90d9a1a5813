// What the server says was done: said once, followed until it is live, gone after a while.

import { get } from "./api.js";
import { said } from "./reach.js";

const STAY_MS = 10_000;
const FOLLOW_MS = 30_000;
const SPENT = ["done", "sequence", "gone", "switched", "of", "was"];

export function showNotice() {
  const box = document.querySelector("[data-notice]");
  if (!box) return;
  forget();
  const dismiss = box.querySelector("[data-dismiss]");
  dismiss.hidden = false;
  dismiss.addEventListener("click", () => box.remove());
  leaveLater(box);
  if (box.dataset.sequence) follow(box, Number(box.dataset.sequence));
}

/** Take what was said out of the address, so that reloading does not say it again. */
function forget() {
  const here = new URL(location.href);
  SPENT.forEach((name) => here.searchParams.delete(name));
  history.replaceState(history.state, "", here);
}

function leaveLater(box) {
  let timer = setTimeout(() => box.remove(), STAY_MS);
  const stay = () => clearTimeout(timer);
  const leave = () => (stay(), (timer = setTimeout(() => box.remove(), STAY_MS)));
  box.addEventListener("pointerenter", stay);
  box.addEventListener("focusin", stay);
  box.addEventListener("pointerleave", leave);
  box.addEventListener("focusout", leave);
}

async function follow(box, sequence) {
  const words = box.querySelector("p");
  const done = words.textContent;
  const until = Date.now() + FOLLOW_MS;
  for (;;) {
    const reach = await get(`/api/v1/propagation?sequence=${sequence}`).catch(() => null);
    if (!reach || !box.isConnected) return;
    words.textContent = `${done}. ${said(reach)}`;
    box.querySelector(".lamp-dot").className = `lamp-dot ${reach.complete ? "ok" : "warn"}`;
    if (reach.complete || !reach.of || Date.now() > until) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
