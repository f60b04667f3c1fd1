/* The history: drawer on small screens, renaming in place, deletion that can be undone. */
import { $, $$, say, toast } from "./page.js";
import { post } from "./net.js";

let chosen = null; // what the menu is about: {id, title, opener}

const titleOf = (id) => $(`.side .past[data-session="${id}"] > a:first-child`)?.textContent ?? $("[data-title]")?.textContent ?? "";
const rowsOf = (id) => $$(`.past[data-session="${id}"]`);
const openedId = () => $("[data-thread]")?.dataset.thread;

function openDrawer(event) {
  const link = event.target.closest?.("[data-drawer]");
  const side = $("nav.side");
  if (!link || !side || typeof HTMLDialogElement === "undefined") return;
  event.preventDefault();
  const drawer = document.createElement("dialog");
  drawer.className = "side is-drawer";
  drawer.setAttribute("aria-label", "Conversations");
  drawer.append(...side.childNodes);
  document.body.append(drawer);
  drawer.showModal();
  drawer.addEventListener("close", () => { side.append(...drawer.childNodes); drawer.remove(); link.focus(); });
}

function openMenu(event) {
  const opener = event.target.closest?.("[data-menu]");
  const menu = $("#session-menu");
  if (!opener || !menu?.showPopover) return;
  event.preventDefault();
  const id = opener.dataset.session ?? opener.closest("[data-session]").dataset.session;
  chosen = { id, title: titleOf(id), opener };
  (opener.closest("dialog") ?? document.body).append(menu);
  $("[data-do=print]", menu).hidden = id !== openedId();
  menu.showPopover();
  const at = opener.getBoundingClientRect(), size = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.right - size.width, innerWidth - size.width - 8));
  const top = at.bottom + size.height + 8 > innerHeight ? at.top - size.height - 4 : at.bottom + 4;
  menu.style.setProperty("left", `${left}px`);
  menu.style.setProperty("top", `${Math.max(8, top)}px`);
  $("button:not([hidden])", menu).focus();
}

function onMenu(event) {
  const button = event.target.closest?.("#session-menu [data-do]");
  if (!button || !chosen) return;
  $("#session-menu").hidePopover();
  if (button.dataset.do === "print") print();
  else if (button.dataset.do === "memory") location.assign(`/c/${chosen.id}/memory/`);
  else if (button.dataset.do === "delete") remove(chosen.id);
  else rename(chosen.id, chosen.opener.closest(".past") ?? $("[data-title]"));
}

function onArrows(event) {
  const menu = event.target.closest?.("#session-menu");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  const buttons = $$("button:not([hidden])", menu);
  const next = buttons.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  buttons.at(next % buttons.length)?.focus();
}

/* The name becomes a field where it stands: Enter saves, Escape leaves. */
function rename(id, place) {
  const before = titleOf(id);
  const field = document.createElement("input");
  field.value = before;
  field.maxLength = 200;
  field.className = place.matches(".past") ? "" : "input";
  field.setAttribute("aria-label", "New name");
  const kept = [...place.childNodes];
  place.replaceChildren(field);
  field.focus();
  field.select();
  let left = false;
  const leave = () => {
    if (left) return;
    left = true;
    place.replaceChildren(...kept);
    (place.matches(".past") ? $("a", place) : $("[data-rename]"))?.focus();
  };
  field.addEventListener("blur", leave);
  field.addEventListener("keydown", async (event) => {
    event.stopPropagation();
    if (event.key === "Escape") { event.preventDefault(); leave(); }
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const title = field.value.trim();
    leave();
    if (!title || title === before) return;
    try {
      showTitle(id, (await post(`/c/${id}/rename/`, { title })).title);
      say(`Renamed to ${title}.`);
    } catch (error) {
      toast(error.message);
    }
  });
}

function showTitle(id, title) {
  for (const row of rowsOf(id)) $("a", row).textContent = title;
  if (id !== openedId()) return;
  $("[data-title]").textContent = title;
  document.title = `${title} · Footnote`;
}

async function remove(id) {
  try {
    const { title } = await post(`/c/${id}/delete/`);
    if (id === openedId()) {
      location.assign(`/?deleted=${id}`);
      return;
    }
    const undo = () => restore(id);
    for (const row of rowsOf(id)) strike(row, title, undo);
    toast(`“${title}” deleted.`, undo);
    say(`${title} deleted.`);
  } catch (error) {
    toast(error.message);
  }
}

function strike(row, title, undo) {
  row.kept = [...row.childNodes];
  const words = document.createElement("span");
  words.textContent = `Deleted “${title}”`;
  const button = document.createElement("button");
  button.className = "btn is-bare";
  button.type = "button";
  button.textContent = "Undo";
  button.addEventListener("click", undo);
  row.classList.add("is-gone");
  row.replaceChildren(words, button);
  const clock = setInterval(() => {
    if (row.matches(":focus-within, :hover")) return;
    clearInterval(clock);
    if (row.classList.contains("is-gone")) row.remove();
  }, 10000);
}

async function restore(id) {
  try {
    await post(`/c/${id}/restore/`);
    for (const row of rowsOf(id)) {
      row.classList.remove("is-gone");
      row.replaceChildren(...row.kept);
      $("a", row).focus();
    }
    $("#toasts").replaceChildren();
    say("Brought back.");
  } catch (error) {
    toast(error.message);
  }
}

export function start() {
  document.addEventListener("click", openDrawer);
  document.addEventListener("click", openMenu);
  document.addEventListener("click", onMenu);
  document.addEventListener("keydown", onArrows);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-rename]");
    if (!link || !openedId()) return;
    event.preventDefault();
    rename(openedId(), $("[data-title]"));
  });
}
