/* Versions: answer again, edit a question where it stands, go between the versions there are. */
import { $, $$, say } from "./page.js";
import { fetchHtml, post } from "./net.js";
import { arrive, showError, visit } from "./composer.js";
import { keepUp } from "./reading.js";

/* What follows a version belongs to it, so the whole conversation is drawn anew. */
async function redraw({ session_id, message_id }) {
  await visit(`/c/${session_id}/`, { isNew: Boolean(location.search) });
  const article = document.getElementById(`m-${message_id}`);
  if (article) keepUp(article);
  arrive();
  return article;
}

let busy = false; // pressing twice makes one version

async function again(form, submitter) {
  if (busy) return;
  busy = true;
  try {
    await redraw(await post(form.action, new FormData(form, submitter)));
  } catch (error) {
    showError(error.message);
  } finally {
    busy = false;
  }
}

async function choose(form, submitter) {
  const what = form.dataset.choose, earlier = submitter === $("button", form);
  try {
    const article = await redraw(await post(form.action, new FormData(form, submitter)));
    const drawn = article && $(`[data-choose="${what}"]`, article);
    if (!drawn) return;
    const [before, after] = $$("button", drawn);
    (earlier && !before.disabled || after.disabled ? before : after).focus();
    say(`Version ${$(".num", drawn).textContent} of the ${what}.`);
  } catch (error) {
    showError(error.message);
  }
}

/* The question becomes a field where it stands: Enter asks, Escape leaves. */
async function edit(link) {
  const head = link.closest(".ask-head");
  if (!head || head.hidden) return;
  let form;
  try {
    form = document.adoptNode($("[data-edit-form]", await fetchHtml(link.href)));
  } catch {
    location.assign(link.href);
    return;
  }
  head.hidden = true;
  head.after(form);
  const field = $("textarea", form);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  const leave = () => { form.remove(); head.hidden = false; link.focus(); };
  $("[data-leave]", form).addEventListener("click", (event) => { event.preventDefault(); leave(); });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); leave(); }
    if (event.target !== field || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

async function sendEdited(form) {
  const button = $("button", form);
  if (!$("textarea", form).value.trim()) return wrong(form, "Write a question first.");
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  try {
    await redraw(await post(form.action, new FormData(form)));
  } catch (error) {
    wrong(form, error.message);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function wrong(form, words) {
  const field = $("textarea", form);
  let place = $(".wrong", form);
  if (!place) {
    place = document.createElement("p");
    place.className = "wrong";
    place.id = `${field.id}-wrong`;
    field.after(place);
  }
  place.setAttribute("role", "alert");
  place.textContent = words;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", place.id);
  field.focus();
}

export function start() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-retry], [data-choose], .turn [data-edit-form]")) return;
    event.preventDefault();
    if (form.matches("[data-retry]")) again(form, event.submitter);
    else if (form.matches("[data-choose]")) choose(form, event.submitter);
    else sendEdited(form);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-edit]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    edit(link);
  });
}
