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
