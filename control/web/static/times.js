// Times as people say them, in their own zone: "12 min ago" under a day, then "Mon 16 Nov"; exact on hover.

const EVERY_MS = 30_000;
const YEAR_MS = 180 * 86_400_000;
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export function startTimes() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `turnout_tz=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
  tellTimes(document);
  setInterval(() => tellTimes(document), EVERY_MS);
}

/** Rewrite every `<time datetime>` below `root`. */
export function tellTimes(root) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.textContent = say(moment, now);
    element.title = EXACT.format(moment);
  }
}

function say(moment, now) {
  const seconds = Math.round((now - moment.getTime()) / 1000);
  if (seconds < 0) return ahead(moment, now);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return now - moment.getTime() < YEAR_MS ? plain(DAY, moment) : YEAR.format(moment);
}

function ahead(moment, now) {
  if (moment.getTime() - now < 86_400_000) return `${plain(DAY, moment)}, ${CLOCK.format(moment)}`;
  return moment.getTime() - now < YEAR_MS ? plain(DAY, moment) : YEAR.format(moment);
}

const plain = (format, moment) => format.format(moment).replaceAll(",", "");
