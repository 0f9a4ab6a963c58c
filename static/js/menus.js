// Closes an open menu on Escape, or when attention moves elsewhere.
// Menus are <details class="menu">: they open and close without this script.

function openMenus() {
  return document.querySelectorAll("details.menu[open]");
}

function closeAllBut(target) {
  for (const menu of openMenus()) {
    if (!menu.contains(target)) menu.open = false;
  }
}

document.addEventListener("click", (event) => closeAllBut(event.target));
document.addEventListener("focusin", (event) => closeAllBut(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    const held = menu.contains(document.activeElement);
    menu.open = false;
    if (held) menu.querySelector("summary").focus();
  }
});
