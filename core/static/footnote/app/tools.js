/* What can be done with an answer: copy it with its sources, rate it, print it. */
import { $, $$, icon, say, toast } from "./page.js";
import { fetchHtml, post } from "./net.js";

/* The answer as text with [n], then the sources by number with their addresses. */
export function asText(turn) {
  const answer = $(".answer", turn).cloneNode(true);
  for (const mark of $$(".mark", answer)) mark.replaceWith(` [${mark.textContent.trim()}]`);
  for (const mark of $$(".obelus", answer)) mark.replaceWith(" [no source]");
  for (const block of $$("p, li, tr, h3, h4, h5, h6, pre", answer)) block.append("\n");
  for (const cell of $$("td, th", answer)) cell.append("\t");
  const words = answer.textContent.replace(/[ \t]*\n\s*/g, "\n").trim();
  const sources = $$(".note[data-number]", turn).map((note) => {
    const link = $(".note-src a", note);
    const title = link?.getAttribute("aria-label")?.split(": ").pop() ?? $(".note-src", note).firstElementChild?.textContent ?? "";
    return `${note.dataset.number}. ${title}${link ? ` ${link.href}` : ""}`;
  });
  return sources.length ? `${words}\n\n${sources.join("\n")}` : words;
}

async function copy(button) {
  const words = $("span", button), before = words.textContent;
  try {
    await navigator.clipboard.writeText(asText(button.closest(".turn")));
  } catch {
    toast("This browser does not let the page copy. Select the text instead.");
    return;
  }
  $(".icon", button).replaceWith(icon("check"));
  words.textContent = "Copied";
  say("Copied.");
  setTimeout(() => { $(".icon", button).replaceWith(icon("copy")); words.textContent = before; }, 2000);
}

async function rate(form, submitter) {
  const rating = submitter.value;
  try {
    await post(form.action, { rating });
  } catch (error) {
    toast(error.message);
    return;
  }
  for (const button of $$("button", form)) button.setAttribute("aria-pressed", String(button === submitter));
  const turn = form.closest(".turn");
  $("[data-reason]", turn)?.remove();
  if (rating === "-1") await askWhy(turn);
  else say("Thank you.");
}

/* The reasons are asked below; none of them has to be given. */
async function askWhy(turn) {
  const id = turn.dataset.message;
  const page = await fetchHtml(`${turn.dataset.fragment}?reason=${id}`);
  const form = $("[data-reason]", page);
  if (!form) return;
  $(".colophon", turn).append(document.adoptNode(form));
  $("input[type=checkbox]", form).focus();
}

async function giveReason(form) {
  try {
    await post(form.action, new FormData(form));
    form.remove();
    say("Thank you.");
    toast("Thank you. The people who keep the documents see this.");
  } catch (error) {
    toast(error.message);
  }
}

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy], [data-print], [data-skip]");
    if (!button) return;
    if (button.matches("[data-copy]")) copy(button);
    else if (button.matches("[data-print]")) print();
    else { event.preventDefault(); button.closest("form").remove(); }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-feedback], [data-reason]")) return;
    event.preventDefault();
    if (form.matches("[data-feedback]")) rate(form, event.submitter);
    else giveReason(form);
  });
}
