"""A scripted OpenAI-compatible server over real HTTP, for tests, benchmarks and the browser.

    python -m tests.model_server --port 8901 --delay 0.05

In tests: ``with ModelServer() as server: server.script = Script(...)``, or the fixture
``model_server``. A request may choose a script by name itself: ``model="script:hang"``.
"""

import argparse
import asyncio
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

import pytest

_PIECE = re.compile(r"\s*\S+")
_PASSAGE = re.compile(r"passage 1: [^\n]*>>>\n(.*?)\n<<<", re.DOTALL)
_REASONS = {200: "OK", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True)
class Script:
    """What the model does.

    ``kind``: ``answer`` (says ``text``, or quotes the first passage where that is empty), ``hang``
    (says nothing), ``throttled`` (429), ``broken`` (500), ``reset`` (closes the connection in the
    middle of a token), ``garbage`` (lines that are not JSON), ``page`` (200 with HTML), ``empty``
    (chunks without choices), ``silent`` (ends without a word), ``malformed`` (JSON of the wrong
    shape), ``endless``, ``stuck`` (stops sending after ``cut_after`` tokens, stays connected),
    ``refused`` (``status`` with ``error``), ``strict`` (400 to ``max_tokens`` and ``temperature``,
    as reasoning models do, else an answer), ``thinking`` (thoughts first, in a field of their own),
    ``azure`` (what its filter found first, in a chunk without choices), ``calls`` (says ``text`` if
    any and calls functions), ``toolless`` (400 to functions, as Ollama says it, else an answer).
    """

    kind: str = "answer"
    text: str = ""
    tokens: tuple[str, ...] = ()  # exactly these pieces; else ``text`` cut at blanks
    delay: float = 0.0  # seconds before each token
    first_delay: float = 0.0
    cut_after: int = 3  # tokens, for reset and stuck
    retry_after: float = 7
    status: int = 503
    error: dict[str, str] = field(default_factory=lambda: {"message": "not now"})
    usage: bool = True
    finish_reason: str = "stop"
    says: Callable[[dict[str, Any]], str] | None = None  # what it makes of a request
    calls: tuple[tuple[str, str], ...] = ()  # functions: name and arguments, as JSON or not
    # How calls are streamed: "openai" in pieces, "whole", "gemini" without index, "ollama" with
    # index 0 for all, "bare" without id and index, "repeated" with id and name in every piece.
    shape: str = "openai"

    def pieces(self, request: dict[str, Any]) -> list[str]:
        if self.tokens:
            return list(self.tokens)
        if self.kind == "calls" and not self.text:
            return []
        prompt = "\n".join(str(message["content"]) for message in request["messages"])
        if self.says is not None:
            said = self.says(request)
            return _PIECE.findall(said) + re.findall(r"\s+\Z", said)
        text = self.text or _quote(prompt)
        return _PIECE.findall(text) + re.findall(r"\s+\Z", text)


def _refusal(request: dict[str, Any], script: Script) -> dict[str, str] | None:
    """The error of a server that does not take some field of a request."""
    if script.kind == "strict" and (unknown := _refused_field(request)):
        words = f"Unsupported parameter: '{unknown}' is not supported with this model."
        return {"message": words, "param": unknown, "code": "x"}
    if script.kind == "toolless" and "tools" in request:
        return {"message": "scripted:latest does not support tools", "type": "api_error"}
    return None


def _refused_field(request: dict[str, Any]) -> str:
    """What a reasoning model does not take."""
    return next((name for name in ("max_tokens", "temperature") if name in request), "")


def _quote(prompt: str) -> str:
    """The first sentence of the first passage, with its mark."""
    found = _PASSAGE.search(prompt)
    sentence = re.split(r"(?<=[.!?])\s", found.group(1).strip())[0] if found else ""
    return f"{sentence.rstrip('.!?')} [1]." if sentence else "NOT_IN_DOCUMENTS"


@dataclass(frozen=True)
class Moderation:
    """What ``/moderations`` does: it objects to a text that holds one of these words."""

    words: tuple[str, ...] = ()
    delay: float = 0.0
    status: int = 200
    body: dict[str, Any] | None = None  # instead of a verdict

    def judge(self, text: str) -> dict[str, Any]:
        is_flagged = any(word in text for word in self.words)
        verdict = {"flagged": is_flagged, "categories": {"violence": is_flagged, "hate": False}}
        result = {**verdict, "category_scores": {"violence": 0.5, "hate": 0.0}}
        return self.body or {"id": "x", "model": "scripted", "results": [result]}


_KINDS = "answer hang throttled broken reset garbage page empty silent malformed endless stuck"
_KINDS += " refused strict thinking azure calls toolless"
SCRIPTS = {name: Script(name) for name in _KINDS.split()}


@dataclass
class ModelServer:
    """Runs in a thread with a loop of its own. ``requests`` holds the bodies that came."""

    script: Script = field(default_factory=Script)
    first: list[Script] = field(default_factory=list)  # played once each, before ``script``
    host: str = "127.0.0.1"
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # the Authorization headers
    # For requests whose instructions begin so: a rewriting is asked for with other words.
    asides: dict[str, Script] = field(default_factory=dict)
    aborted: int = 0  # streams that the client closed before their end
    open: int = 0
    moderation: Moderation = field(default_factory=Moderation)
    moderated: list[str] = field(default_factory=list)  # the texts that came

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-server", daemon=True)
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.serve())
        self._loop.close()

    async def serve(self) -> None:
        self._stopped = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, self.host, self.port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        if hasattr(self, "_ready"):
            self._ready.set()
        await self._stopped.wait()
        server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.open += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self.open -= 1
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection stays open."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return False
        length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length.group(1)) if length else 0)
        if head.startswith("POST") and "/moderations" in head.partition("\n")[0]:
            return await self._moderate(json.loads(body), writer)
        if not head.startswith("POST") or "/chat/completions" not in head.partition("\n")[0]:
            _answer(writer, 404, {"error": {"message": "no such address"}})
            return True
        request = json.loads(body)
        self.paths.append(head.split(" ", 2)[1])
        key = re.search(r"^authorization: *(.*?)\r?$", head, re.IGNORECASE | re.MULTILINE)
        self.keys.append(key.group(1) if key else "")
        self.requests.append(request)
        return await self._play(request, self._script_of(request), (reader, writer))

    async def _moderate(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        self.moderated.append(request["input"])
        await asyncio.sleep(self.moderation.delay)
        _answer(writer, self.moderation.status, self.moderation.judge(request["input"]))
        return True

    def _script_of(self, request: dict[str, Any]) -> Script:
        name = str(request.get("model", "")).partition("script:")[2]
        said = str(request["messages"][0].get("content", ""))
        aside = next((s for begin, s in self.asides.items() if said.startswith(begin)), None)
        if aside is None and self.first and not name:
            return self.first.pop(0)
        return aside or SCRIPTS.get(name, self.script)

    async def _play(
        self,
        request: dict[str, Any],
        script: Script,
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> bool:
        reader, writer = connection
        if script.kind == "throttled":
            error = {"error": {"message": "slow down", "type": "rate_limit"}}
            _answer(writer, 429, error, {"Retry-After": str(script.retry_after)})
            return True
        if script.kind == "refused":
            _answer(writer, script.status, {"error": script.error})
            return True
        refusal = _refusal(request, script)
        if refusal:
            _answer(writer, 400, {"error": refusal})
            return True
        if script.kind == "broken":
            _answer(writer, 500, {"error": {"message": "broken"}})
            return True
        if script.kind == "page":
            _raw(writer, 200, b"<html>a proxy's page</html>", "text/html")
            return True
        watch = asyncio.ensure_future(reader.read(1))  # ends when the client goes
        try:
            return await self._stream(request, script, writer, watch)
        finally:
            watch.cancel()

    async def _stream(
        self,
        request: dict[str, Any],
        script: Script,
        writer: asyncio.StreamWriter,
        gone: "asyncio.Future[bytes]",
    ) -> bool:
        if script.kind != "hang":
            _begin(writer)
        if await self._left(gone, 3600.0 if script.kind == "hang" else script.first_delay):
            return False
        for sent, line in enumerate(_lines(request, script)):
            if await self._left(gone, script.delay):
                return False
            if script.kind in {"reset", "stuck"} and sent == script.cut_after:
                return await self._break(script, writer, line, gone)
            _chunk(writer, line)
            await writer.drain()
            if script.kind == "endless":
                await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return False

    async def _break(
        self,
        script: Script,
        writer: asyncio.StreamWriter,
        line: bytes,
        gone: "asyncio.Future[bytes]",
    ) -> bool:
        if script.kind == "stuck":
            await self._left(gone, 3600.0)
            return False
        half = line[: len(line) // 2]
        writer.write(b"%x\r\n%s" % (len(line), half))
        await writer.drain()
        transport: Any = writer.transport
        transport.abort()
        return False

    async def _left(self, gone: "asyncio.Future[bytes]", seconds: float) -> bool:
        """Wait, and say whether the client went away meanwhile."""
        if not seconds and not gone.done():
            return False
        await asyncio.wait({gone}, timeout=seconds or 0.0)
        if gone.done():
            self.aborted += 1
            return True
        return False


def _lines(request: dict[str, Any], script: Script) -> Iterator[bytes]:
    """The body of a stream, event by event."""
    if script.kind == "garbage":
        yield b"data: {not json\n\n"
        return
    if script.kind == "empty":
        yield from (_event({"id": "x", "object": "chat.completion.chunk", "choices": []}),) * 3
        yield b"data: [DONE]\n\n"
        return
    if script.kind == "malformed":
        yield _event({"choices": "none"})
        yield _event({"choices": [{"delta": None}]})
        yield _event({"choices": [{"delta": {"content": 17}}], "usage": "much"})
        yield b"data: [DONE]\n\n"
        return
    yield from _tokens(request, script)


def _tokens(request: dict[str, Any], script: Script) -> Iterator[bytes]:
    pieces = [] if script.kind == "silent" else script.pieces(request)
    while script.kind == "endless":
        yield _delta("again and again ")
    if script.kind == "azure":
        found = [{"prompt_index": 0, "content_filter_results": {}}]
        yield _event({"id": "", "choices": [], "prompt_filter_results": found})
    for _ in range(5 if script.kind == "thinking" else 0):
        yield _event({"id": "x", "choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]})
    for piece in pieces:
        yield _delta(piece)
    for delta in called(script):
        yield _event({"id": "x", "choices": [{"index": 0, "delta": {"tool_calls": [delta]}}]})
    yield _delta("", "tool_calls" if script.kind == "calls" else script.finish_reason)
    if script.usage and request.get("stream_options", {}).get("include_usage"):
        written = len(pieces) + len(script.calls)
        used = {"prompt_tokens": 100, "completion_tokens": written}
        usage = {**used, "total_tokens": 100 + written}
        yield _event({"id": "x", "object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def called(script: Script) -> Iterator[dict[str, Any]]:
    """The deltas of a script's calls, as its server sends them."""
    for number, (name, arguments) in enumerate(script.calls if script.kind == "calls" else ()):
        own_id = f"call_{number}_{name}"
        half = len(arguments) // 2
        first = {"index": number, "id": own_id, "type": "function"}
        if script.shape == "openai":
            yield {**first, "function": {"name": name, "arguments": ""}}
            yield {"index": number, "function": {"arguments": arguments[:half]}}
            yield {"index": number, "function": {"arguments": arguments[half:]}}
        elif script.shape == "repeated":
            yield {**first, "function": {"name": name, "arguments": arguments[:half]}}
            yield {**first, "function": {"name": name, "arguments": arguments[half:]}}
        else:
            whole = {"function": {"name": name, "arguments": arguments}}
            signed = {"extra_content": {"google": {"thought_signature": f"s{number}"}}}
            yield {
                "whole": {**first, **whole},
                "gemini": {"id": own_id, **whole, **signed},
                "ollama": {**first, "index": 0, **whole},
                "bare": whole,
            }[script.shape]


def _delta(content: str, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish_reason}
    return _event(
        {
            "id": "x",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "scripted",
            "choices": [choice],
        }
    )


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def _begin(writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


def _answer(
    writer: asyncio.StreamWriter,
    status: int,
    body: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> None:
    _raw(writer, status, json.dumps(body).encode(), "application/json", headers)


def _raw(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    media_type: str,
    headers: dict[str, str] | None = None,
) -> None:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}", f"Content-Type: {media_type}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    writer.write("\r\n".join(lines).encode() + body)


@pytest.fixture
def model_server(settings: Any) -> Iterator[ModelServer]:
    """A scripted model that the product is configured to use."""
    with ModelServer() as server:
        settings.OPENAI_BASE_URL = server.url
        settings.OPENAI_API_KEY = "only-for-tests"
        settings.CHAT_MODEL = "scripted"
        yield server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--script", default="answer", choices=sorted(SCRIPTS))
    parser.add_argument("--text", default="", help="what it says; the first passage if empty")
    parser.add_argument("--tokens", type=int, default=0, help="say this many words instead")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each token")
    parser.add_argument("--first-delay", type=float, default=0.0)
    given = parser.parse_args()
    text = given.text or "word " * max(0, given.tokens - 1) + ("end [1]." if given.tokens else "")
    script = replace(
        SCRIPTS[given.script], text=text, delay=given.delay, first_delay=given.first_delay
    )
    server = ModelServer(script, given.host, given.port)
    with server:
        sys.stdout.write(f"model server at {server.url}, script {given.script}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


if __name__ == "__main__":
    main()
