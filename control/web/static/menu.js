// The side bar on small screens: a menu over the page.

export function startMenu() {
  const opener = document.querySelector("[data-menu]");
  const nav = document.getElementById("nav");
  if (!opener || !nav) return;
  const set = (open) => {
    nav.classList.toggle("open", open);
    opener.setAttribute("aria-expanded", String(open));
    if (open) nav.querySelector("a, button")?.focus();
  };
  opener.addEventListener("click", () => set(!nav.classList.contains("open")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !nav.classList.contains("open")) return;
    set(false);
    opener.focus();
  });
  document.addEventListener("click", (event) => {
    if (!nav.contains(event.target) && !opener.contains(event.target)) set(false);
  });
}
