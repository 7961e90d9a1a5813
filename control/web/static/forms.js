// What plain forms gain from scripts: focus on what is wrong, times in the viewer's zone, files read into fields.

import { toast } from "./toast.js";

const MAX_BYTES = 900_000;

export function startForms() {
  document.querySelector('form [aria-invalid="true"]')?.focus();
  document.querySelectorAll("[data-local-time]").forEach(localTime);
  document.querySelectorAll("[data-bulk]").forEach(fromFile);
  document.addEventListener("submit", (event) => busy(event));
}

/** A time is stored in UTC and shown in the viewer's zone; the form sends UTC. */
function localTime(field) {
  if (field.value) field.value = asField(new Date(`${field.value}Z`), true);
  document.querySelectorAll("[data-zone]").forEach((words) => (words.textContent = "your time"));
  field.form.addEventListener("formdata", ({ formData }) => {
    if (field.value) formData.set(field.name, asField(new Date(field.value), false));
  });
}

function asField(moment, local) {
  const shifted = local ? new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000) : moment;
  return Number.isNaN(shifted.getTime()) ? "" : shifted.toISOString().slice(0, 16);
}

function fromFile(form) {
  const label = form.querySelector("[data-file]");
  const field = form.querySelector("textarea");
  label.hidden = false;
  label.querySelector("input").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (!file) return;
    if (file.size > MAX_BYTES) toast("This file is too large for the page.", { small: "The API takes up to 16 MB.", lamp: "warn", stay: true });
    else field.value = await file.text();
    target.value = "";
    field.focus();
  });
}

/** A form is sent once; its button says so. */
function busy(event) {
  const button = event.submitter;
  if (event.defaultPrevented || event.target.method === "get" || !button) return;
  if (button.getAttribute("aria-busy") === "true") return event.preventDefault();
  button.setAttribute("aria-busy", "true");
  addEventListener("pageshow", ({ persisted }) => persisted && button.removeAttribute("aria-busy"), { once: true });
}
