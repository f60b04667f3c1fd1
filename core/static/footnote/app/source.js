/* A document: the passage in view, and beside it the sentence of the answer that rests on it. */
import { $, $$ } from "./page.js";
import { fetchHtml } from "./net.js";
import { placeNotes } from "./notes.js";

const narrow = matchMedia("(width < 62rem)");
const passage = $("#passage");
if (narrow.matches) for (const toc of $$("details.toc")) toc.removeAttribute("open");
if (passage && (!location.hash || location.hash === "#passage")) {
  document.fonts.ready.then(() => {
    passage.scrollIntoView({ block: "center", behavior: "instant" });
    passage.focus({ preventScroll: true });
  });
}

/* A bar at the edge of the block in which the passage begins. */
passage?.closest("p, li, blockquote, pre")?.classList.add("passage-block");

const aside = $("[data-said]");
if (aside && passage) {
  fetchHtml(aside.dataset.said).then((page) => {
    aside.append(...[...page.body.childNodes].map((node) => document.adoptNode(node)));
    document.fonts.ready.then(() => placeNotes());
  }).catch(() => {});
}
addEventListener("resize", () => placeNotes());
for (const button of $$("[data-print]")) button.addEventListener("click", () => print());
