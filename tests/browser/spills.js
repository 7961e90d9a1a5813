// What is wider than what holds it: sentences about everything that sticks out of the window or of its card.
() => {
  const faults = new Set();
  const name = (element) => element.localName + (element.id ? `#${element.id}` : "") + [...element.classList].map((word) => `.${word}`).join("");
  const floats = (element) => ["absolute", "fixed"].includes(getComputedStyle(element).position);
  const clips = (element) => getComputedStyle(element).overflowX !== "visible";
  const between = (element, end) => {
    const way = [];
    for (let one = element; one && one !== end; one = one.parentElement) way.push(one);
    return way;
  };
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) faults.add(`the page is ${wide} px wider than the window`);
  for (const element of document.body.querySelectorAll("*:not(svg *)")) {
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height || !element.checkVisibility({ visibilityProperty: true })) continue;
    const card = element.parentElement.closest(".card, .menu, dialog, .savebar, .toast");
    if (wide > 0 && box.right > innerWidth + 1 && !between(element.parentElement, null).some((one) => one !== document.body && one !== document.documentElement && clips(one))) faults.add(`${name(element)} ends at ${Math.round(box.right)} px`);
    if (!card || between(element, card).some((one) => floats(one) || (one !== element && clips(one))) || clips(card)) continue;
    const over = Math.max(box.right - card.getBoundingClientRect().right, card.getBoundingClientRect().left - box.left);
    if (over > 1) faults.add(`${name(element)} sticks ${Math.round(over)} px out of ${name(card)} (${element.textContent.trim().slice(0, 30)})`);
  }
  return [...faults];
}
