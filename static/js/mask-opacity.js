// Lets the mask over an image be made fainter.
// Without this script the slider stays hidden; outline, fill and off are radio buttons for the style sheet.

function obey(control) {
  const slider = control.querySelector("input");
  const output = control.querySelector("output");
  const layers = control.closest(".viewer").querySelectorAll(".layer");
  const percent = new Intl.NumberFormat(document.documentElement.lang || "en", { style: "percent" });
  function show() {
    const share = Number(slider.value) / 100;
    for (const layer of layers) layer.style.opacity = share;
    output.textContent = percent.format(share);
  }
  slider.addEventListener("input", show);
  control.hidden = false;
  // The back button may bring the slider back where it was left.
  show();
}

document.querySelectorAll("[data-mask-opacity]").forEach(obey);
