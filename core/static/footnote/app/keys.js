/* The keyboard. Single letters work outside text fields only, and can be switched off in the list that `?` shows. */
import { $ } from "./page.js";
import { step } from "./notes.js";
import { isRunning, stop } from "./composer.js";

const inText = (el) => el.closest?.("input, textarea, select, [contenteditable]");

function singleKeys() {
  try {
    return localStorage.getItem("single-keys") !== "off";
  } catch {
    return true;
  }
}

function search(event) {
  const field = [...document.querySelectorAll("#find, #q")].find((one) => one.offsetParent !== null);
  event.preventDefault();
  if (field) field.focus();
  else location.assign("/search/");
}

function onKey(event) {
  if (event.isComposing || event.defaultPrevented) return;
  const control = event.ctrlKey || event.metaKey;
  if (control && event.shiftKey && event.key.toLowerCase() === "o") { event.preventDefault(); location.assign("/"); }
  else if (control && event.key.toLowerCase() === "k") search(event);
  else if (event.key === "Escape") escape();
  else if (!control && !event.altKey && !inText(event.target)) letter(event);
}

function escape() {
  if ($("dialog[open], [popover]:popover-open")) return;
  if (isRunning()) stop();
}

function letter(event) {
  if ((event.key === "n" && step(1)) || (event.key === "p" && step(-1))) event.preventDefault();
  else if (!singleKeys() || $("dialog[open]")) return;
  else if (event.key === "/") search(event);
  else if (event.key === "?") $("#keys")?.showModal();
}

export function start() {
  document.addEventListener("keydown", onKey);
  const box = $("#single-keys");
  if (!box) return;
  box.checked = singleKeys();
  box.addEventListener("change", () => localStorage.setItem("single-keys", box.checked ? "on" : "off"));
}
