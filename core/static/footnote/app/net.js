/* Talking to our own server: the token of the moment, forms by script, and server-sent events. */

/* Signing in rotates the token, so it is read from the cookie at each request and never kept. */
export function csrfToken() {
  const found = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return found ? decodeURIComponent(found.slice("csrftoken=".length)) : "";
}

export class Refused extends Error {
  constructor(status, body) {
    super(sentence(body) || "The server did not understand this.");
    this.status = status;
    this.fields = body && !body.detail ? body : {};
  }
}

function sentence(body) {
  if (!body) return "";
  return body.detail ?? Object.values(body).flat().join(" ");
}

/* POST a form's fields; the JSON of the answer. Refused for a status that is no success, TypeError without a line. */
export async function post(url, fields = {}) {
  const body = new URLSearchParams();
  for (const [name, value] of fields instanceof FormData ? fields : Object.entries(fields)) body.append(name, value);
  body.delete("csrfmiddlewaretoken");
  const response = await fetch(url, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
    body,
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

/* A page or fragment of ours, parsed and inert. */
export async function fetchHtml(url) {
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  if (!response.ok) throw new Refused(response.status, null);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

export function uniqueKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* The events of a stream, as {event, data, id}; ends when the server closes it. */
export async function* readEvents(response, onBytes = () => {}) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onBytes();
    buffer = (buffer + value).replace(/\r\n?(?!$)/g, "\n");
    for (let end = buffer.indexOf("\n\n"); end >= 0; end = buffer.indexOf("\n\n")) {
      const event = parseEvent(buffer.slice(0, end));
      buffer = buffer.slice(end + 2);
      if (event) yield event;
    }
  }
}

function parseEvent(block) {
  const event = { event: "message", data: "", id: null };
  const lines = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0 || !line) continue;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") lines.push(value);
    else if (name === "event" || name === "id") event[name] = value;
  }
  if (!lines.length) return null;
  try {
    event.data = JSON.parse(lines.join("\n"));
  } catch {
    return null;
  }
  return event;
}
