// Counts the time since a job began, each second.
// <span data-since="ISO time">: without this script the time as of loading stays.

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, "0")}`;
}

function tick() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = clock((Date.now() - Date.parse(element.dataset.since)) / 1000);
  }
}

tick();
setInterval(tick, 1000);
