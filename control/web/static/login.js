// Before the login: passwords that can be shown, and the first one where the printed address carries it.

import { startRevealing } from "./reveal.js";

startRevealing();
document.querySelector('[aria-invalid="true"]')?.focus();

takeSecret();
addEventListener("hashchange", takeSecret);

/** Fill in the first password that stands in the printed address; as a fragment it never reaches a server's log. */
function takeSecret() {
  const field = document.querySelector('[name="secret"]');
  if (!field || location.hash.length < 2) return;
  field.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  document.querySelector('[name="name"]').focus();
}
