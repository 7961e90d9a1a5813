// Every text that can be seen on the page, as JSON: [{text, at, color, alpha, boxes}]. Afterwards all text is transparent,
// so that a picture of the page is a picture of what lies behind it; `false` as the argument brings it back.
(hide) => {
  const sheet = (window.withoutText ??= new CSSStyleSheet());
  sheet.replaceSync(
    "*, ::before, ::after, ::placeholder { -webkit-text-fill-color: transparent !important; caret-color: transparent !important;" +
      " text-decoration-color: transparent !important; text-shadow: none !important } svg :is(text, tspan) { fill: transparent !important }",
  );
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
  if (!hide) return "[]";

  // Hundreds of texts share ancestors, and most of them a colour: nothing is worked out twice.
  const once = (work) => {
    const known = new Map();
    return (key) => {
      if (!known.has(key)) known.set(key, work(key));
      return known.get(key);
    };
  };
  const found = [];
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = once((color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  });
  const opacity = once((element) => (element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1));
  const name = (element) => {
    const own = (one) => one.localName + (one.id ? `#${one.id}` : "") + [...one.classList].map((word) => `.${word}`).join("");
    return [element.parentElement?.closest("[class]"), element].filter(Boolean).map(own).join(" > ");
  };
  // WCAG 1.4.3 leaves out what cannot be used.
  const unused = (element) => element.closest(":disabled, [aria-disabled=true], [inert]") !== null || element.querySelector?.(":scope > :disabled") !== null;

  const inside = (box, edge) => ({
    left: Math.max(box.left, edge.left),
    top: Math.max(box.top, edge.top),
    right: Math.min(box.right, edge.right),
    bottom: Math.min(box.bottom, edge.bottom),
  });
  // What all that clips an element leaves to see of it; null for nothing.
  const clip = once((element) => {
    if (!element) return { left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity };
    const style = getComputedStyle(element);
    const around = style.clipPath === "none" ? clip(element.parentElement) : null;
    const clips = element !== document.documentElement && element !== document.body && style.overflow !== "visible";
    return around && clips ? inside(around, element.getBoundingClientRect()) : around;
  });
  // What is left of a box inside all that clips it; null when nothing is.
  const clipped = (box, element) => {
    const around = clip(element);
    const left = around && inside(box, around);
    return left && left.right - left.left >= 2 && left.bottom - left.top >= 2 ? left : null;
  };
  const inFront = ({ left, top, right, bottom }, element) => {
    if (getComputedStyle(element).pointerEvents === "none") return true;
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return hit !== null && (hit.contains(element) || element.contains(hit));
  };
  const add = (text, element, color, boxes) => {
    if (!/\S/.test(text) || unused(element) || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return;
    const seen = [...boxes].map((box) => clipped(box, element)).filter((box) => box && inFront(box, element));
    if (!seen.length) return;
    const [red, green, blue, alpha] = rgba(color);
    found.push({ text: text.trim().slice(0, 60), at: name(element), color: [red, green, blue], alpha: (alpha / 255) * opacity(element), boxes: seen });
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!/\S/.test(walker.currentNode.data) || element.closest("script, style, option, symbol, title, desc")) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const style = getComputedStyle(element);
    add(walker.currentNode.data, element, element.closest("svg") ? style.fill : style.color, range.getClientRects());
  }
  for (const field of document.querySelectorAll("input:not([type=checkbox], [type=radio], [type=hidden], [type=file]), textarea, select")) {
    const box = field.getBoundingClientRect();
    const inner = { left: box.left + 8, top: box.top + 6, right: box.right - 8, bottom: box.bottom - 6 };
    const shown = field.localName === "select" ? (field.selectedOptions[0]?.text ?? "") : field.value;
    if (shown) add(shown, field, getComputedStyle(field).color, [inner]);
    else add(field.placeholder ?? "", field, getComputedStyle(field, "::placeholder").color, [inner]);
  }
  for (const element of document.body.querySelectorAll("*")) {
    for (const part of ["::before", "::after"]) {
      const style = getComputedStyle(element, part);
      const [, text] = /^"(.*)"$/.exec(style.content) ?? [];
      if (text && style.display !== "none") add(text, element, style.color, element.getClientRects());
    }
  }
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  return JSON.stringify(found);
}
