/* Small things that several parts of a page share. */

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/* A copy of a <template>'s first element. */
export const copyOf = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
export const partsOf = (id) => [...document.getElementById(id).content.cloneNode(true).childNodes];

export function icon(name) {
  const made = copyOf("t-icon");
  const use = $("use", made);
  use.setAttribute("href", `${use.getAttribute("href")}#${name}`);
  return made;
}

/* Said by a screen reader, once; the page's focus stays where it is. */
export function say(words) {
  const status = document.getElementById("status");
  if (status && words) status.textContent = words;
}

/* One toast at a time, for 8 s, or 10 with something to undo; pointing at it or focus in it stops the clock. */
export function toast(words, undo = null) {
  const shelf = document.getElementById("toasts");
  if (!shelf) return;
  const made = copyOf("t-undo");
  $("span", made).textContent = words;
  const button = $("button", made);
  if (undo) button.addEventListener("click", () => { made.remove(); undo(); });
  else button.remove();
  shelf.replaceChildren(made);
  let clock;
  const start = () => { clearTimeout(clock); clock = setTimeout(() => made.remove(), undo ? 10000 : 8000); };
  const stop = () => clearTimeout(clock);
  for (const name of ["pointerenter", "focusin"]) made.addEventListener(name, stop);
  for (const name of ["pointerleave", "focusout"]) made.addEventListener(name, start);
  start();
}

export const codePoints = (text) => [...text].length;
