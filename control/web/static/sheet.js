// The test panel on a phone: a sheet from the bottom edge, opened by its buttons, closed by its cross or escape.

/** Make `panel` a sheet; `openers` open it, `closer` closes it. Elsewhere it simply stands beside the rules. */
export function asSheet(panel, openers, closer) {
  const small = matchMedia("(max-width: 759.98px)");
  let opener = null;
  const set = (open) => {
    panel.classList.toggle("open", open);
    if (!open) opener?.focus();
  };
  const close = () => set(false);
  for (const one of openers) {
    one.addEventListener("click", (event) => {
      event.preventDefault();
      opener = one;
      set(true);
      panel.querySelector('[role="tab"][aria-selected="true"]').focus();
    });
  }
  closer.addEventListener("click", close);
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !small.matches || !panel.classList.contains("open")) return;
    event.preventDefault();
    close();
  });
}
