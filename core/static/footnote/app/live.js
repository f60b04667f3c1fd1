/* An answer while it is written: text as text, marks as soon as their source is known, notes inking in.
   What it draws is provisional: at the end the server's own rendering takes its place. */
import { $, $$, copyOf } from "./page.js";
import { placeSoon } from "./notes.js";

const UNFINISHED = /(?:\s*\[\d{0,3}|\*+|\s+|(?:^|\n)#+)$/; // may become a mark, a blank before one, or markup
const MARKUP = /\*\*|`|^#{1,6} /gm; // the finished page sets it; until then it is only in the way
const CANDIDATES = 4; // shown before they are cited
const ROW = /^[ \t]*\|/; // a line of a table, which is drawn when it is whole
const RULE = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/; // under its head
const PIECES = /[ \t]*(\[\d{1,3}\])|(\n{2,})|([.!?…]["”’)]?(?=\s|\[|$))|(\s+)/g;

export class LiveAnswer {
  constructor(article) {
    this.article = article;
    this.key = article.dataset.key;
    this.text = $("[data-live]", article);
    this.aside = $("[data-live-notes]", article);
    this.list = $(".notes-list", this.aside);
    this.sources = new Map();
    this.caret = copyOf("t-caret");
    this.clear();
  }

  clear() {
    this.held = "";
    this.paragraph = null;
    this.claim = null;
    this.sentenceEnded = false;
    this.table = null;
    this.isLineStart = true;
    this.text.replaceChildren();
  }

  /* The step that goes on now; those before it are done. */
  reach(name, words = "") {
    const steps = $$("[data-step]", this.article);
    const now = steps.findIndex((step) => step.dataset.step === name);
    steps.forEach((step, at) => {
      step.classList.toggle("is-done", at < now);
      step.classList.toggle("is-now", at === now);
      step.toggleAttribute("aria-current", at === now);
      if (at === now) step.setAttribute("aria-current", "step");
    });
    if (words && now >= 0) steps[now].textContent = words;
  }

  say(text) {
    const known = { search: /^search/i, read: /^read/i, write: /^writ/i, check: /^check/i };
    const name = Object.keys(known).find((key) => known[key].test(text));
    const current = $(".is-now", this.article)?.dataset.step;
    if (name || current) this.reach(name ?? current, text);
  }

  candidates(sources) {
    if (this.list.childElementCount) return;
    if (sources.length) this.reach("read", `Read ${sources.length} passage${sources.length === 1 ? "" : "s"}`);
    this.reach("write");
    for (const source of sources.slice(0, CANDIDATES)) this.list.append(this.note(source));
    this.aside.hidden = !sources.length;
  }

  note(source) {
    const note = copyOf("t-note");
    note.dataset.place = `${source.document_id} ${source.document_version} ${source.start} ${source.end}`;
    this.fill(note, source);
    return note;
  }

  fill(note, source) {
    const words = shorter(plain(source.content ?? ""), note.classList.contains("is-candidate") ? 160 : 420);
    const quote = $(".note-quote", note);
    if (note.classList.contains("is-candidate")) quote.textContent = `“${words}”`;
    else {
      const mark = document.createElement("mark");
      mark.textContent = words;
      quote.replaceChildren("“", mark, "”");
    }
    const link = $(".note-src a", note);
    link.textContent = source.title;
    link.href = source.url;
    const heading = (source.heading ?? "").split(" › ").pop();
    $(".note-src span", note).textContent = [heading, source.page ? `p. ${source.page}` : ""].filter(Boolean).join(" · ");
  }

  /* A candidate becomes a source: it gets its number and moves up behind those that have one. */
  cite(number, source) {
    if (this.sources.has(number)) return;
    this.sources.set(number, source);
    const note = $$(".is-candidate", this.list).find((one) => holds(one.dataset.place, source)) ?? this.note(source);
    note.classList.remove("is-candidate");
    note.id = `n${this.key}-${number}`;
    const figure = document.createElement("a");
    figure.className = "note-no";
    figure.href = `#m${this.key}-${number}`;
    figure.textContent = number;
    figure.setAttribute("aria-label", `Back to the sentence of source ${number}`);
    $(".note-no", note).replaceWith(figure);
    this.fill(note, source);
    this.list.insertBefore(note, $(".is-candidate", this.list));
    this.aside.hidden = false;
    placeSoon(this.article);
  }

  withdraw(number) {
    const note = document.getElementById(`n${this.key}-${number}`);
    if (note) $(".note-quote", note).textContent = "This passage was removed from the documents.";
  }

  append(text) {
    if (!this.text.childElementCount) this.reach("write");
    let rest = this.held + text;
    this.held = "";
    while (rest) {
      const isRow = this.isLineStart && ROW.test(rest);
      const end = isRow ? rest.indexOf("\n") : rest.search(/\n(?=[ \t]*\|)/);
      if (isRow && end < 0) { this.held = rest; break; }
      const part = end < 0 ? rest : rest.slice(0, end + 1);
      rest = rest.slice(part.length);
      if (isRow) this.row(part);
      else this.prose(part, end >= 0);
    }
    (this.paragraph ?? this.text).append(this.caret);
    placeSoon(this.article);
  }

  /* Text outside of tables; what may become a mark or markup at its end waits for what follows. */
  prose(part, isBeforeRow) {
    if (!isBeforeRow) {
      this.held = UNFINISHED.exec(part)?.[0] ?? "";
      part = part.slice(0, part.length - this.held.length);
      if (!part) return;
    }
    this.isLineStart = isBeforeRow;
    if (this.table) {
      part = part.trimStart();
      if (part) this.table = this.paragraph = this.claim = null;
    }
    this.pieces(part);
  }

  row(line) {
    if (this.table && RULE.test(line.trim())) return;
    if (!this.table) {
      this.table = document.createElement("table");
      const scroll = document.createElement("div");
      scroll.className = "scroll";
      scroll.append(this.table);
      this.text.append(scroll);
    }
    const row = this.table.insertRow();
    const isHead = this.table.rows.length === 1;
    for (const words of line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/)) {
      this.paragraph = row.appendChild(document.createElement(isHead ? "th" : "td"));
      this.claim = null;
      this.pieces(words.trim().replaceAll("\\|", "|"));
    }
  }

  pieces(words) {
    let from = 0;
    for (const found of words.matchAll(PIECES)) {
      this.words(words.slice(from, found.index));
      from = found.index + found[0].length;
      this.piece(found);
    }
    this.words(words.slice(from));
  }

  piece([all, mark, gap, stop, blank]) {
    if (mark) this.mark(Number(mark.slice(1, -1)), all);
    else if (gap) this.paragraph = this.claim = null;
    else if (stop) { this.words(all); this.sentenceEnded = true; }
    else if (this.sentenceEnded) { this.claim = null; this.sentenceEnded = false; this.paragraph?.append(blank); }
    else this.words(all);
  }

  words(raw) {
    const text = raw.replace(MARKUP, "");
    if (!text) return;
    this.begin();
    let words = this.claim.lastElementChild;
    if (!words?.matches(".words")) {
      words = document.createElement("span");
      words.className = "words";
      this.claim.append(words);
    }
    words.append(text);
    words.normalize();
  }

  begin() {
    if (!this.paragraph) {
      this.paragraph = document.createElement("p");
      this.text.append(this.paragraph);
    }
    if (!this.claim) {
      this.claim = document.createElement("span");
      this.claim.className = "claim";
      this.paragraph.append(this.claim);
      this.sentenceEnded = false;
    }
  }

  mark(number, raw) {
    const source = this.sources.get(number);
    if (!source) return this.words(raw);
    this.begin();
    const mark = copyOf("t-mark");
    const id = `m${this.key}-${number}`;
    if (!document.getElementById(id)) mark.id = id;
    mark.href = `#n${this.key}-${number}`;
    mark.textContent = number;
    mark.setAttribute("aria-label", `Source ${number}: ${source.title}`);
    this.claim.append(mark);
  }

  end() {
    if (this.isLineStart && ROW.test(this.held)) this.row(this.held);
    else if (this.held) this.words(this.held);
    this.caret.remove();
    this.reach("check");
  }
}

/* Whether a passage, named by its place, holds the words that a source quotes. */
function holds(place, source) {
  const [document_id, version, start, end] = place.split(" ").map(Number);
  return document_id === source.document_id && version === source.document_version && start < source.end && source.start < end;
}

const plain = (text) => (text.replace(/^#{1,6} .*$/gm, "").trim() || text).replace(/^[#>\s]+|[*`|]+/gm, " ").replace(/\s+/g, " ").trim();
const shorter = (text, limit) => (text.length > limit ? `${text.slice(0, limit).replace(/\s+\S*$/, "")} …` : text);
