/* Side-notes: each beside its sentence, lit together with it; where there is no margin, as a sheet. */
import { $, $$ } from "./page.js";

const columns = (el) => (el ? getComputedStyle(el).gridTemplateColumns.split(" ").length : 1);
const hasMargin = (el) => columns(el?.closest(".turn, .source, .opening")) > 1;
const marksOf = (note) => $$(`[href="#${CSS.escape(note.id)}"]`).filter((el) => el.matches(".mark, .obelus"));
const noteOf = (mark) => document.getElementById(mark.getAttribute("href")?.slice(1) ?? "");

/* Each note is pushed down to its mark, and never stands above the one before it. All is measured
   before anything is moved: a page of 200 answers is laid out once, not once for each note. */
export function placeNotes(turns = $$(".turn, .source")) {
  const lists = turns.map((turn) => $(".notes-list", turn)).filter((list) => list?.firstElementChild);
  for (const list of lists) for (const note of list.children) note.style.removeProperty("--nudge");
  for (const [note, gap] of lists.flatMap(gapsOf)) note.style.setProperty("--nudge", `${Math.round(gap)}px`);
}

function gapsOf(list) {
  const turn = list.closest(".turn, .source");
  if (columns(turn) < 2) return [];
  const marks = new Map();
  for (const mark of $$(".mark, .obelus", turn)) {
    const href = mark.getAttribute("href");
    if (!marks.has(href)) marks.set(href, mark);
  }
  const found = [];
  let moved = 0;
  for (const note of list.children) {
    const mark = note.id ? marks.get(`#${note.id}`) ?? (turn.matches(".source") && $("#passage")) : null;
    if (!mark) continue;
    const gap = mark.getBoundingClientRect().top - note.getBoundingClientRect().top - moved - 4;
    if (gap <= 0) continue;
    found.push([note, gap]);
    moved += Math.round(gap);
  }
  return found;
}

let due = 0;
const grown = new Set();
/* At most once a frame, while an answer grows: its own notes, or those of the whole page. */
export function placeSoon(turn = null) {
  grown.add(turn);
  due ||= requestAnimationFrame(() => {
    due = 0;
    const turns = [...grown];
    grown.clear();
    placeNotes(turns.includes(null) ? undefined : turns);
  });
}

function light(event) {
  const from = event.target.closest?.(".mark, .obelus, .note");
  if (!from && event.target.closest?.("dialog")) return;
  for (const el of $$(".is-lit:not([id^=said])")) el.classList.remove("is-lit");
  const note = from?.matches(".note") ? from : from && noteOf(from);
  if (!note) return;
  note.classList.add("is-lit");
  for (const mark of from.matches(".note") ? marksOf(note) : [from]) mark.closest(".claim")?.classList.add("is-lit");
}

function show(sheet, note) {
  const notes = $$(".note:not(.is-candidate)", note.parentElement);
  const sourced = notes.filter((other) => other.dataset.support !== "none");
  const isSourced = sourced.includes(note);
  const copy = (selector) => [...($(selector, note)?.cloneNode(true).childNodes ?? [])];
  $("h2", sheet).textContent = isSourced ? `Source ${sourced.indexOf(note) + 1} of ${sourced.length}` : "No source";
  $(".note-quote", sheet).replaceChildren(...($(".note-quote", note) ? copy(".note-quote") : copy("p")));
  $(".note-src", sheet).replaceChildren(...copy(".note-src"));
  const address = $(".note-src a", note)?.getAttribute("href");
  const open = $("[data-open]", sheet);
  open.hidden = !address;
  if (address) open.setAttribute("href", address);
  $("[data-supports]", sheet).hidden = !isSourced || !address || Boolean($(".badge", note));
  for (const button of $$("[data-step]", sheet)) {
    const next = notes[notes.indexOf(note) + Number(button.dataset.step)];
    button.disabled = !next;
    button.onclick = () => show(sheet, next);
  }
  light({ target: note });
  const claim = marksOf(note)[0]?.closest(".claim");
  claim?.scrollIntoView({ block: "start" });
}

function openSheet(event) {
  const mark = event.target.closest?.(".mark, .obelus");
  const sheet = $("dialog.sheet");
  const note = mark && noteOf(mark);
  if (!note || !sheet || !note.closest(".turn") || hasMargin(mark)) return;
  event.preventDefault();
  for (const el of $$(".mark.is-open")) el.classList.remove("is-open");
  mark.classList.add("is-open");
  show(sheet, note);
  sheet.showModal();
  sheet.addEventListener("close", () => { mark.classList.remove("is-open"); mark.focus({ preventScroll: true }); }, { once: true });
}

/* A finger that goes down on a sheet that is scrolled to its top closes it. */
function watchSwipe() {
  let from = null;
  document.addEventListener("touchstart", (event) => {
    const sheet = event.target.closest?.("dialog.sheet");
    from = sheet && sheet.scrollTop <= 0 ? event.touches[0].clientY : null;
  }, { passive: true });
  document.addEventListener("touchend", (event) => {
    if (from !== null && event.changedTouches[0].clientY - from > 60) $("dialog.sheet[open]")?.close();
    from = null;
  }, { passive: true });
}

/* n and p with focus on a mark or a note go to the next and the previous one. */
export function step(direction) {
  const at = document.activeElement;
  const kind = at?.closest(".note") ? ".note" : at?.matches(".mark, .obelus") ? ".mark, .obelus" : null;
  if (!kind) return false;
  const all = $$(kind, at.closest(".turn") ?? document);
  const next = all[all.indexOf(at.closest(kind)) + direction];
  next?.focus();
  return true;
}

export function start() {
  document.addEventListener("pointerover", light);
  document.addEventListener("focusin", light);
  document.addEventListener("click", openSheet);
  document.addEventListener("click", (event) => {
    const dialog = event.target.closest?.("dialog");
    if (dialog && (event.target === dialog || event.target.closest("[data-close]"))) dialog.close();
  });
  watchSwipe();
  addEventListener("resize", () => placeSoon());
  addEventListener("beforeprint", () => { for (const note of $$(".note")) note.style.removeProperty("--nudge"); });
  addEventListener("afterprint", () => placeSoon());
  document.fonts.ready.then(() => placeNotes());
}
