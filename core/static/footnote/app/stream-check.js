// Reads the server's timed events and says what stands in front of it does with them.
// core/stream_check.py judges alike.

const TOGETHER = 0.05; // seconds; two events that were sent apart and came together were gathered
const SENTENCES = {
  good: ["Good.", "Events come one by one, as they are sent. Answers will appear word by word."],
  gathered: ["In heaps.", "Something on the way gathers events before it sends them on: switch off buffering for this site."],
  held: ["All at once.", "Something on the way buffers the whole stream: switch off buffering and compression for text/event-stream."],
  cut: ["Cut.", "The stream was cut before its end. Something on the way ends connections that are quiet: raise its read time-out above 60 seconds."],
  empty: ["Nothing came.", "The stream was refused, or the connection is lost."],
};

export function judge(sent, came, whole) {
  if (!came.length) return "empty";
  if (!whole) return "cut";
  const heaps = came.filter((at, index) => !index || at - came[index - 1] > TOGETHER).length;
  const last = came.length - 1;
  if (came[last] - came[0] < (sent[last] - sent[0]) / 4) return "held";
  return heaps < 0.75 * came.length ? "gathered" : "good";
}

async function read(address) {
  const sent = [];
  const came = [];
  let whole = false;
  let held = "";
  try {
    const answer = await fetch(address, { headers: { Accept: "text/event-stream" }, cache: "no-store" });
    if (!answer.ok || !answer.body) return { sent, came, whole };
    const decoder = new TextDecoder();
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const now = performance.now() / 1000;
      held += decoder.decode(value, { stream: true });
      const blocks = held.split("\n\n");
      held = blocks.pop();
      for (const block of blocks) {
        const data = block.split("\n").find((line) => line.startsWith("data:"));
        if (!data) continue;
        const event = JSON.parse(data.slice(5));
        sent.push(event.at);
        came.push(now);
        whole = event.n === event.of;
      }
    }
  } catch {
    whole = false; // the line broke; what came is judged
  }
  return { sent, came, whole };
}

const page = document.querySelector("[data-stream-check]");
if (page) {
  const verdict = page.querySelector("[data-verdict]");
  const table = page.querySelector("[data-times]");
  const buttons = page.querySelectorAll("button");

  const show = ({ sent, came, whole }) => {
    const word = judge(sent, came, whole);
    const [lead, rest] = SENTENCES[word];
    const strong = document.createElement("strong");
    strong.textContent = lead;
    verdict.replaceChildren(strong, ` ${rest}`);
    verdict.dataset.verdict = word;
    const body = table.tBodies[0];
    body.replaceChildren();
    came.forEach((at, index) => {
      const row = body.insertRow();
      for (const text of [index + 1, sent[index].toFixed(2), (at - came[0]).toFixed(2)]) row.insertCell().textContent = text;
    });
    table.hidden = !came.length;
  };

  const run = async (silence) => {
    for (const button of buttons) button.hidden = true;
    verdict.dataset.verdict = "running";
    verdict.textContent = silence ? `Listening for ${silence + 3} seconds …` : "Listening …";
    show(await read(`${page.dataset.streamCheck}?silence=${silence}`));
    for (const button of buttons) button.hidden = false;
  };

  for (const button of buttons) button.addEventListener("click", () => run(Number(button.dataset.silence || 0)));
  run(0);
}
