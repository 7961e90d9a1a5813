// The line at the foot of the side bar: how many edges serve the newest publish.

import { get } from "./api.js";

const EVERY_MS = 10_000;

export function watchEdges() {
  const line = document.querySelector("[data-edges]");
  if (!line) return;
  const look = async () => {
    if (document.visibilityState === "visible") await tell(line);
    setTimeout(look, EVERY_MS);
  };
  look();
}

async function tell(line) {
  const [dot, words] = line.children;
  const edges = await get("/api/v1/edges").then((page) => page.items, () => null);
  const known = edges?.filter((edge) => edge.state !== "unknown") ?? [];
  const live = known.filter((edge) => edge.state === "live").length;
  dot.className = `lamp-dot ${edges === null ? "bad" : !known.length ? "off" : live === known.length ? "ok" : "warn"}`;
  words.textContent = edges === null ? "Edges cannot be asked" : known.length ? `${live} of ${known.length} ${known.length === 1 ? "edge" : "edges"} live` : "No edge is running";
}
