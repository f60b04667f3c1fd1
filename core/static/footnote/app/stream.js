/* Joining an answer that is written on the server. Reading changes nothing there, so joining again is always safe. */
import { $, copyOf, say } from "./page.js";
import { fetchHtml, readEvents } from "./net.js";
import { LiveAnswer } from "./live.js";
import { placeNotes } from "./notes.js";
import { follow, ended } from "./reading.js";

const SILENCE_MS = 40000; // the server says something every 15 s
const LONGEST_WAIT_S = 30;
const joined = new Set();

/* Join every answer of the page that is still being written. */
export function joinAll(onEnd) {
  for (const article of document.querySelectorAll("article[data-stream]")) join(article, onEnd);
}

async function join(article, onEnd) {
  const id = article.dataset.message;
  if (joined.has(id)) return;
  joined.add(id);
  const live = new LiveAnswer(article);
  let last = "", attempt = 0, result = "lost";
  say("Searching the documents.");
  while (article.isConnected) {
    result = await once(article, live, last, (seen) => { last = seen; attempt = 0; });
    if (result === "done" || result === "gone") break;
    if (result === "reconnect") await pause(300 + Math.random() * 1200);
    else await wait(article, Math.min(LONGEST_WAIT_S, 2 ** attempt++) * (0.5 + Math.random() / 2));
  }
  joined.delete(id);
  live.end();
  if (article.isConnected) await finish(article, result);
  onEnd(article);
}

/* One connection: "done", "gone" (no such answer for us), "reconnect" (asked to) or "lost". */
async function once(article, live, last, onSeen) {
  const stopper = new AbortController();
  let clock;
  const alive = () => { clearTimeout(clock); clock = setTimeout(() => stopper.abort(), SILENCE_MS); };
  alive();
  try {
    const headers = { Accept: "text/event-stream, */*" };
    if (last) headers["Last-Event-ID"] = last;
    const response = await fetch(article.dataset.stream, { headers, signal: stopper.signal, cache: "no-store" });
    if ([401, 403, 404].includes(response.status)) return "gone";
    if (!response.ok) return "lost";
    $("[data-lost]", article)?.remove();
    for await (const event of readEvents(response, alive)) {
      if (event.id) onSeen(event.id);
      const outcome = take(live, event);
      follow(article);
      if (outcome) return outcome;
    }
    return "lost";
  } catch {
    return "lost";
  } finally {
    clearTimeout(clock);
    stopper.abort();
  }
}

function take(live, { event, data }) {
  if (event === "step") live.say(data.text);
  else if (event === "sources") live.candidates(data.sources);
  else if (event === "citation") live.cite(data.number, data.source);
  else if (event === "withdrawn") live.withdraw(data.number);
  else if (event === "token") {
    if (!live.hasBegun) say("Writing the answer. Press Escape to stop.");
    live.hasBegun = true;
    live.append(data.text);
  } else if (event === "done" || event === "error") return "done";
  else if (event === "reconnect") return "reconnect";
  return null;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/* The notice with its countdown; "Join now" and the line coming back end it early. */
function wait(article, seconds) {
  let notice = $("[data-lost]", article);
  if (!notice) {
    notice = copyOf("t-lost");
    article.append(notice);
  }
  return new Promise((resolve) => {
    const end = Date.now() + seconds * 1000;
    const tick = setInterval(draw, 250);
    function stop() { clearInterval(tick); removeEventListener("online", stop); resolve(); }
    function draw() {
      const left = Math.ceil((end - Date.now()) / 1000);
      $("[data-countdown]", notice).textContent = left > 0 ? `joining it again in ${left} s` : "joining it again";
      if (left <= 0) stop();
    }
    draw();
    $("button", notice).onclick = stop;
    addEventListener("online", stop);
  });
}

/* The server's rendering takes the place of what was drawn here. */
async function finish(article, result) {
  const wasHidden = document.hidden;
  try {
    const page = await fetchHtml(article.dataset.fragment);
    const turn = document.adoptNode($("article.turn", page));
    article.replaceWith(turn);
    placeNotes([turn]);
    say(turn.dataset.spoken);
    if (wasHidden) away(turn);
    ended(turn);
  } catch {
    article.removeAttribute("aria-busy");
    article.removeAttribute("data-stream");
    if (result === "gone") location.reload();
  }
}

function away(turn) {
  const notice = copyOf("t-away");
  $("p span", notice).textContent = $(".tally > span:not(.ticks):not(.tiny)", turn)?.textContent ?? "";
  $(".colophon", turn)?.before(notice);
}
