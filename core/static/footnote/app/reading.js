/* Keeping up with an answer without taking the page out of the reader's hands. */
import { $ } from "./page.js";

let following = false;
let current = null;
const latest = () => $("[data-latest]");
const below = (el) => el.getBoundingClientRect().bottom - ($(".dock")?.getBoundingClientRect().top ?? innerHeight);

/* From here on the page goes along with the answer, until the reader scrolls up. */
export function keepUp(article) {
  current = article;
  following = true;
  article.scrollIntoView({ block: "start" });
}

/* Called as the answer grows. */
export function follow(article) {
  if (article !== current) current = article;
  const end = $(".caret", article);
  if (!end) return;
  const hidden = below(end);
  if (following && hidden > 0) scrollBy({ top: hidden + 24, behavior: "instant" });
  if (latest()) latest().hidden = following || hidden <= 0;
}

export function ended(turn) {
  current = turn;
  if (latest()) latest().hidden = true;
}

/* A conversation is taken up where it ended. A link to a place in it, and going back, go there. */
export function takeUp() {
  const turns = document.querySelectorAll("[data-thread] .turn");
  const came = performance.getEntriesByType("navigation")[0]?.type;
  if (turns.length < 2 || location.hash || came !== "navigate") return;
  turns[turns.length - 1].scrollIntoView({ block: "start", behavior: "instant" });
}

export function start() {
  let before = scrollY;
  addEventListener("scroll", () => {
    if (scrollY < before - 2) following = false;
    before = scrollY;
  }, { passive: true });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-latest]") || !current) return;
    following = true;
    current.scrollIntoView({ block: "end" });
    latest().hidden = true;
  });
}
