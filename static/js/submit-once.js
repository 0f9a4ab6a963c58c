// Holds back a second press of the same button while the first is on its way.
// <form data-submit-once>; the button shows that it heard.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-submit-once]")) return;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  form.setAttribute("aria-busy", "true");
});

// The back button may bring the page back as it was left.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-submit-once][aria-busy]")) {
    form.removeAttribute("aria-busy");
  }
});
