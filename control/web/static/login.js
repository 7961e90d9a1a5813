// Before the login: passwords that can be shown, and the first one where the printed address carries it.

import { startRevealing } from "./reveal.js";

startRevealing();
document.querySelector('[aria-invalid="true"]')?.focus();

const secret = document.querySelector('[name="secret"]');
if (secret && location.hash.length > 1) {
  secret.value = decodeURIComponent(location.hash.slice(1)); // a fragment stays in the browser: no server logs it
  history.replaceState(null, "", location.pathname);
  document.querySelector('[name="name"]').focus();
}
