// Lets files be dropped on a file field, then names what was chosen.
// <div data-file-drop> around an ordinary file input: without this script it stays one.

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

function sayBytes(bytes, language) {
  let amount = bytes;
  let step = 0;
  for (; amount >= 1024 && step < UNITS.length - 1; step += 1) amount /= 1024;
  const maximumFractionDigits = step > 0 && amount < 10 ? 1 : 0;
  const style = { style: "unit", unit: UNITS[step], maximumFractionDigits };
  return new Intl.NumberFormat(language, style).format(amount);
}

function describe(file, drop) {
  const row = document.createElement("li");
  const limit = Number(drop.dataset.maxBytes);
  const name = document.createElement("span");
  const note = document.createElement("span");
  name.className = "file-name";
  name.textContent = file.name;
  note.className = "file-note";
  note.textContent = sayBytes(file.size, document.documentElement.lang || "en");
  if (file.size === 0 || (limit && file.size > limit)) {
    row.className = "is-wrong";
    note.textContent = file.size ? drop.dataset.tooLarge : drop.dataset.empty;
  }
  row.append(name, note);
  return row;
}

function show(drop, input) {
  const list = drop.querySelector("[data-file-list]");
  list.replaceChildren(...Array.from(input.files, (file) => describe(file, drop)));
  drop.classList.toggle("has-files", input.files.length > 0);
}

function take(input, dropped) {
  const files = new DataTransfer();
  const wanted = input.multiple ? Array.from(dropped) : Array.from(dropped).slice(0, 1);
  for (const file of wanted) files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function ready(drop) {
  if (drop.classList.contains("is-ready")) return;
  const input = drop.querySelector("input[type=file]");
  drop.classList.add("is-ready");
  input.addEventListener("change", () => show(drop, input));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
  drop.addEventListener("dragleave", (event) => {
    if (!drop.contains(event.relatedTarget)) drop.classList.remove("is-over");
  });
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("is-over");
    if (event.dataTransfer.files.length) take(input, event.dataTransfer.files);
  });
  show(drop, input);
}

function readyAll() {
  document.querySelectorAll("[data-file-drop]").forEach(ready);
}

readyAll();
document.addEventListener("htmx:afterSettle", readyAll);
