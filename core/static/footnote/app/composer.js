/* The question box: asking, stopping, what was not sent yet. */
import { $, $$, codePoints, partsOf, say, toast } from "./page.js";
import { fetchHtml, post, Refused, uniqueKey } from "./net.js";
import { joinAll } from "./stream.js";
import { keepUp } from "./reading.js";
import { placeNotes } from "./notes.js";

const form = () => $("#composer");
const box = () => $("#message");
const draftName = () => `draft:${form()?.elements.chat_session_id?.value ?? "new"}`;
let pending = null; // {text, key}: the same question keeps its key, so that trying twice asks once
let busy = false;
let shownPath = location.pathname;

export const isRunning = () => Boolean($("article[data-stream]"));

/* What a page needs once its parts stand there. */
export function arrive() {
  if (!form()) return;
  restoreDraft();
  fit();
  count();
  showState();
  joinAll(showState);
  placeNotes();
}

/* Six lines of a long question, and a way to see the rest. */
function foldLongQuestions() {
  const isCut = (question) => question.scrollHeight > question.clientHeight + 4 && !question.nextElementSibling?.matches(".show-all");
  for (const question of $$(".ask-long:not(.is-whole)").filter(isCut)) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn is-bare show-all";
    button.textContent = "Show all";
    button.addEventListener("click", () => { question.classList.add("is-whole"); button.remove(); placeNotes(); });
    question.after(button);
  }
}

function showState() {
  foldLongQuestions();
  const button = $("[data-submit]", form());
  const running = isRunning();
  const session = form().elements.chat_session_id?.value;
  button.replaceChildren(...partsOf(running ? "t-stop" : "t-ask"));
  button.className = running ? "btn" : "btn is-main";
  button.toggleAttribute("formnovalidate", running);
  if (running) { button.removeAttribute("aria-label"); button.setAttribute("formaction", `/c/${session}/stop/`); }
  else { button.setAttribute("aria-label", "Ask"); button.removeAttribute("formaction"); }
  if (!running) $(`.past[data-session="${session}"] .writing`)?.remove();
  if (session) box().placeholder = running ? "Your next question" : "Ask a follow-up";
  count();
}

export function showError(words) {
  const place = $("#message-wrong");
  if (!place) return toast(words);
  place.hidden = !words;
  $("span", place).textContent = words;
  box().toggleAttribute("aria-invalid", Boolean(words));
  if (words) {
    box().setAttribute("aria-invalid", "true");
    box().setAttribute("aria-describedby", "message-wrong");
    place.setAttribute("role", "alert");
  }
}

/* The count appears from 95 % of the limit on; over it, nothing can be sent. */
function count() {
  const most = Number(form().dataset.max);
  const length = codePoints(box().value.trim());
  const over = length - most;
  const button = $("[data-submit]", form());
  const number = (value) => value.toLocaleString("en");
  button.disabled = over > 0 && !isRunning();
  if (over > 0) showError(`${number(length)} of ${number(most)} characters. Shorten it by ${number(over)}.`);
  else if (box().getAttribute("aria-invalid")) showError("");
  $(".is-count")?.remove();
  if (over > 0 || length <= most * 0.95) return;
  const shown = document.createElement("span");
  shown.className = "num is-count";
  shown.textContent = `${number(length)} of ${number(most)}`;
  $(".under").append(shown);
}

/* `field-sizing` does it where it is known. */
function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  box().style.setProperty("block-size", "auto");
  box().style.setProperty("block-size", `${Math.min(box().scrollHeight, 192)}px`);
}

function keepDraft() {
  try {
    if (box().value.trim()) localStorage.setItem(draftName(), box().value);
    else localStorage.removeItem(draftName());
  } catch { /* private mode: the text stays on the page */ }
}

function restoreDraft() {
  try {
    if (!box().value) box().value = localStorage.getItem(draftName()) ?? "";
  } catch { /* as above */ }
}

async function ask(text) {
  if (busy) return;
  if (!text.trim()) return box().focus();
  busy = true;
  showError("");
  $("[data-submit]", form()).setAttribute("aria-disabled", "true");
  if (pending?.text !== text) pending = { text, key: uniqueKey() };
  const session = form().elements.chat_session_id?.value;
  const fields = { message: text, key: pending.key };
  if (session) fields.chat_session_id = session;
  const model = form().elements.model?.value;
  if (model) fields.model = model;
  const name = draftName();
  try {
    const asked = await post(form().action, fields);
    pending = null;
    localStorage.removeItem(name);
    if (box().value.trim() === text) box().value = "";
    await showTurn(asked);
  } catch (error) {
    refuse(error, text);
  } finally {
    busy = false;
    $("[data-submit]", form())?.removeAttribute("aria-disabled");
  }
}

function refuse(error, text) {
  if (error instanceof Refused) {
    showError(error.status === 404 ? "This conversation is not there any more. Begin a new one; your text is kept here." : error.message);
    return;
  }
  showError("No connection. Your question is kept and goes out when the line is back.");
  addEventListener("online", () => ask(text), { once: true });
}

/* A follow-up is added to the page; the first question brings its conversation's page with it. */
async function showTurn({ session_id, message_id }) {
  const address = `/c/${session_id}/`;
  const thread = $(`[data-thread="${session_id}"]`);
  try {
    if (thread) {
      const page = await fetchHtml(`${address}turn/${message_id}/`);
      thread.append(document.adoptNode($("article.turn", page)));
    } else {
      await visit(address);
    }
  } catch {
    location.assign(address);
    return;
  }
  keepUp(document.getElementById(`m-${message_id}`) ?? $(".turn:last-of-type"));
  arrive();
}

/* Another page of the chat without loading everything again: its side and its main part. */
export async function visit(address, { isNew = true } = {}) {
  const page = await fetchHtml(address);
  for (const selector of ["nav.side", "main.main"]) $(selector).replaceWith(document.adoptNode($(selector, page)));
  document.title = page.title;
  if (isNew) history.pushState({}, "", address);
  shownPath = location.pathname;
  if (isNew) box()?.focus({ preventScroll: true });
}

export async function stop() {
  const article = $("article[data-stream]");
  if (!article) return;
  say("Stopping.");
  const session = form().elements.chat_session_id.value;
  await post(`/c/${session}/stop/`, { message_id: article.dataset.message }).catch(() => {});
}

function onSubmit(event) {
  if (event.target.id === "composer") {
    event.preventDefault();
    if (event.submitter?.hasAttribute("formaction")) stop();
    else ask(box().value.trim());
  } else if (event.target.id === "suggestions" && event.submitter?.value) {
    event.preventDefault();
    box().value = event.submitter.value;
    ask(box().value);
  }
}

function onKey(event) {
  if (event.target !== box() || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (isRunning()) say("An answer is being written. Press Escape to stop it.");
  else ask(box().value.trim());
}

export function start() {
  document.addEventListener("submit", onSubmit);
  document.addEventListener("keydown", onKey);
  document.addEventListener("input", (event) => {
    if (event.target !== box()) return;
    keepDraft();
    fit();
    count();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-again]");
    if (!link || !box()) return;
    event.preventDefault();
    box().value = $(".ask", link.closest(".turn")).innerText;
    fit();
    box().focus();
  });
  // Going back to another page of ours; a jump within the page says popstate too.
  addEventListener("popstate", () => location.pathname === shownPath || location.reload());
}
