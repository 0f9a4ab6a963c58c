// Says a recent time as people say it; the exact time stays in the title.
// <time class="when" datetime="…" title="…">: without this script the exact time is shown.

const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
];
const EVERY_MS = 30000;

function sayAgo(moment, words) {
  let amount = (moment - Date.now()) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return words.format(Math.round(amount), unit);
    amount /= size;
  }
  return null;
}

function sayAll() {
  const language = document.documentElement.lang || "en";
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  for (const element of document.querySelectorAll("time.when[datetime]")) {
    const said = sayAgo(Date.parse(element.dateTime), words);
    if (said !== null) element.textContent = said;
  }
}

sayAll();
setInterval(sayAll, EVERY_MS);
document.addEventListener("htmx:afterSettle", sayAll);
