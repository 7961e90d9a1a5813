// Moving a rule by its grip: pointer (mouse and touch) and keyboard. It only finds a place; the draft moves the rule.

import { announce, h } from "./dom.js";

const START_PX = 4;
const EDGE_PX = 64;

/** Make `grip` drag the list item `row`; `drop(place)` is called with the place it landed on, from 0, or null. */
export function draggable(grip, row, drop) {
  grip.addEventListener("pointerdown", (down) => {
    if (down.button !== 0) return;
    grip.setPointerCapture(down.pointerId);
    const drag = new Drag(row, down.clientY);
    const move = (event) => drag.move(event.clientY);
    const stop = () => {
      grip.removeEventListener("pointermove", move);
      removeEventListener("keydown", escape, true);
      if (drag.started) drop(drag.end());
    };
    const escape = (event) => {
      if (event.key !== "Escape" || !drag.started) return;
      event.preventDefault();
      drag.cancelled = true;
      grip.releasePointerCapture(down.pointerId);
    };
    addEventListener("keydown", escape, true);
    grip.addEventListener("pointermove", move);
    grip.addEventListener("lostpointercapture", stop, { once: true });
    grip.addEventListener("pointerup", () => (drag.released = true), { once: true });
  });
}

class Drag {
  constructor(row, y) {
    this.row = row;
    this.y = y;
    this.started = false;
    this.cancelled = false;
    this.released = false;
  }

  begin() {
    this.started = true;
    this.rows = [...this.row.parentElement.querySelectorAll(":scope > .rule:not(.else)")];
    this.from = this.rows.indexOf(this.row);
    this.place = this.from;
    this.marker = h("li", { class: "drop", "aria-hidden": "true" });
    this.row.classList.add("dragging");
  }

  move(y) {
    if (!this.started) {
      if (Math.abs(y - this.y) < START_PX) return;
      this.begin();
    }
    this.row.style.transform = `translateY(${y - this.y}px)`;
    if (y < EDGE_PX) scrollBy(0, -12);
    if (y > innerHeight - EDGE_PX) scrollBy(0, 12);
    const others = this.rows.filter((row) => row !== this.row);
    const above = others.filter((row) => middle(row) < y).length;
    this.place = above;
    const next = others[above];
    if (next) next.before(this.marker);
    else others.at(-1)?.after(this.marker);
  }

  end() {
    this.row.classList.remove("dragging");
    this.row.style.transform = "";
    this.marker.remove();
    if (this.cancelled || !this.released) {
      announce(`Put back at place ${this.from + 1}.`);
      return null;
    }
    return this.place === this.from ? null : this.place;
  }
}

function middle(row) {
  const box = row.getBoundingClientRect();
  return box.top + box.height / 2;
}
