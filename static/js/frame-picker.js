// Goes to a frame as soon as its number is typed, so that no other frame is sent.
// <form data-frame-picker>: without this script, its button goes there.

for (const form of document.querySelectorAll("form[data-frame-picker]")) {
  form.addEventListener("change", () => form.requestSubmit());
}
