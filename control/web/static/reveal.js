// The eye of a password field, where scripts run.

export function startRevealing() {
  for (const button of document.querySelectorAll("[data-reveal]")) {
    button.hidden = false;
    button.addEventListener("click", () => reveal(button, document.getElementById(button.dataset.reveal)));
  }
}

function reveal(button, field) {
  const shown = field.type === "password";
  field.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
  button.setAttribute("aria-label", shown ? "Hide the password" : "Show the password");
}
