// The admin's own moves: files dropped on a page, and states that change while one looks.

"use strict";

const TOGETHER = 2; // files under way at once: the server reads them one after the other anyway
const NEWS_MS = 2500;
const FILES_FAULT = [400, 413, 415]; // empty or damaged, too large, of a type that is not taken

function startDesk() {
  const zone = document.getElementById("drop");
  if (zone) new Drop(zone);
  const source = document.querySelector("[data-states]");
  if (source) followStates(source.dataset.states);
}

class Drop {
  constructor(form) {
    this.form = form;
    this.list = document.getElementById("drop-list");
    this.sum = document.getElementById("drop-sum");
    this.zone = document.getElementById("drop-zone");
    this.waiting = [];
    this.running = 0;
    this.done = 0;
    this.refused = 0;
    const input = form.querySelector("input[type=file]");
    input.addEventListener("change", () => {
      this.add(input.files);
      input.value = "";
    });
    for (const name of ["dragenter", "dragover"]) {
      this.zone.addEventListener(name, (event) => {
        event.preventDefault();
        this.zone.classList.add("is-over");
      });
    }
    for (const name of ["dragleave", "drop"]) {
      this.zone.addEventListener(name, () => this.zone.classList.remove("is-over"));
    }
    this.zone.addEventListener("drop", (event) => {
      event.preventDefault();
      this.add(event.dataTransfer.files);
    });
    // A file that misses the zone must not replace the page.
    for (const name of ["dragover", "drop"]) {
      window.addEventListener(name, (event) => event.preventDefault());
    }
    window.addEventListener("beforeunload", (event) => {
      if (this.running || this.waiting.length) event.preventDefault();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  add(files) {
    for (const file of files) this.waiting.push(new Item(file, this.list, (item) => this.again(item)));
    this.next();
  }

  again(item) {
    this.refused -= 1;
    this.waiting.push(item);
    this.next();
  }

  next() {
    while (this.running < TOGETHER && this.waiting.length) this.send(this.waiting.shift());
    this.tell();
  }

  send(item) {
    this.running += 1;
    const limit = Number(this.form.dataset.limit);
    if (item.file.size > limit * 1024 * 1024) {
      this.settle(item, { detail: `The file is larger than ${limit} MB.`, isFinal: true });
      return;
    }
    const body = new FormData(this.form);
    body.append("file", item.file, item.file.name);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) item.progress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      try {
        const answer = JSON.parse(request.responseText);
        // What is wrong with the file itself is wrong the next time too.
        this.settle(item, { ...answer, isFinal: FILES_FAULT.includes(request.status) });
      } catch {
        this.settle(item, { detail: "The server did not take this file. Log in again, then retry." });
      }
    });
    request.addEventListener("error", () => {
      this.settle(item, { detail: "The connection broke off." });
    });
    request.open("POST", this.form.dataset.take);
    request.send(body);
  }

  settle(item, answer) {
    this.running -= 1;
    if (answer.id) {
      this.done += 1;
      item.take(answer);
    } else {
      this.refused += 1;
      item.refuse(answer.detail || "The server did not take this file.", Boolean(answer.isFinal));
    }
    this.next();
  }

  tell() {
    const left = this.running + this.waiting.length;
    const parts = [];
    if (left) parts.push(`${left} on the way`);
    if (this.done) parts.push(`${this.done} added`);
    if (this.refused) parts.push(`${this.refused} not taken`);
    this.sum.textContent = parts.join(", ");
  }
}

class Item {
  constructor(file, list, again) {
    this.file = file;
    this.row = document.createElement("li");
    this.name = document.createElement("span");
    this.name.className = "desk-name";
    this.name.textContent = file.name;
    this.state = document.createElement("div");
    this.state.className = "desk-state";
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Sending ${file.name}`);
    this.state.append(this.bar);
    this.row.append(this.name, this.state);
    list.append(this.row);
    this.again = again;
  }

  progress(share) {
    this.bar.value = share;
  }

  take(document_) {
    const link = document.createElement("a");
    link.href = document_.url;
    link.textContent = document_.title;
    this.name.replaceChildren(link);
    this.state.textContent = "Waiting";
    this.state.dataset.document = document_.id;
    this.state.dataset.pending = "";
  }

  refuse(sentence, isFinal) {
    const words = document.createElement("p");
    words.className = "desk-wrong small";
    words.textContent = sentence;
    this.state.replaceChildren(words);
    if (isFinal) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "desk-button";
    button.textContent = "Try again";
    button.addEventListener("click", () => {
      this.state.replaceChildren(this.bar);
      this.bar.value = 0;
      this.again(this);
    });
    this.state.append(button);
  }
}

function followStates(address) {
  const look = async () => {
    const pending = [...document.querySelectorAll("[data-document][data-pending]")].slice(0, 100);
    if (pending.length && !document.hidden) {
      const ids = pending.map((one) => one.dataset.document).join(",");
      try {
        const answer = await fetch(`${address}?ids=${ids}`, { credentials: "same-origin" });
        if (answer.ok) renew(pending, await answer.json());
      } catch {
        // The server is away; the next look is soon.
      }
    }
    window.setTimeout(look, NEWS_MS);
  };
  window.setTimeout(look, NEWS_MS);
}

function renew(pending, states) {
  for (const place of pending) {
    const html = states[place.dataset.document];
    if (html === undefined) continue;
    const made = document.createElement("template");
    made.innerHTML = html; // escaped by the server's own template
    const fresh = made.content.firstElementChild;
    if (fresh && fresh.innerHTML !== place.innerHTML) place.replaceWith(fresh);
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startDesk);
else startDesk();
