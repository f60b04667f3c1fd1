"""The functions of one answer: calls checked, run as the asker, told to the reader, kept."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from time import monotonic
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth import get_user_model

from chat import wording
from chat.candidates import candidate_of
from chat.desks import Desk
from chat.generation.personal_data import find
from chat.generation.results import Result
from chat.generation.toolcalls import ToolCall, ToolSpec
from chat.generation.tools.days import said
from chat.generation.tools.schema import BadArguments, Function, function_of
from chat.runs import Run
from chat.tools.builtin import BadCall, Brought, BuiltIn
from chat.tools.site import Asker, SiteFunction, pages_in, site_functions, told
from chat.tools.threads import AllBusy, in_a_thread
from knowledge.passages import Filters, Passage

logger = logging.getLogger(__name__)

AGAIN = "You have called this already; its result stands above."
LATE = "It took too long and was given up."
BUSY = "It cannot be called now."
BROKEN = "It failed."
PRIVATE = "Personal data must not be sent there. Call it without."
_KEPT_CHARS = 300  # of an argument, in the row
_LARGEST = 10**15  # a larger number, or none at all, is kept as a text


class JobLike(Protocol):
    """The question, as its functions need it."""

    @property
    def user(self) -> Any: ...

    @property
    def filters(self) -> Filters: ...

    @property
    def language(self) -> str: ...


def built_in_names() -> frozenset[str]:
    return frozenset(call.__name__ for call in BuiltIn(0, Filters()).functions())


@dataclass
class AnswerTools:
    """``chat.generation.rounds.Toolbox`` for one answer.

    ``needed`` is how likely a further search must be to answer its query.
    """

    answer: Run
    desk: Desk
    job: JobLike
    needed: float = 0.0
    _called: set[tuple[str, str]] = field(default_factory=set)

    @property
    def rounds(self) -> int:
        return int(settings.TOOL_ROUNDS)

    @property
    def today(self) -> str:
        return said(self._built_in().today)

    @property
    def is_empty_handed(self) -> bool:
        """Never: the first search has brought passages."""
        return False

    @property
    def name(self) -> str:
        """What the version of a prompt that offers these is called by."""
        return "tools"

    @property
    def own_names(self) -> frozenset[str]:
        return frozenset(self._own())

    @property
    def used_web(self) -> bool:
        """Whether the model has read something from the web."""
        return any(one["web"] for one in _noted(self.answer))

    @cached_property
    def specs(self) -> tuple[ToolSpec, ...]:
        own = [function.spec for function in self._own().values()]
        return (*own, *(one.function.spec for one in self._site.values()))

    @cached_property
    def _site(self) -> dict[str, SiteFunction]:
        return {one.function.spec.name: one for one in site_functions(built_in_names())}

    def _built_in(self, passages: Sequence[Passage] = ()) -> BuiltIn:
        return BuiltIn(self.job.user.pk, self.job.filters, passages, self.needed)

    def _own(self, passages: Sequence[Passage] = ()) -> dict[str, Function]:
        functions = (function_of(call) for call in self._built_in(passages).functions())
        return {function.spec.name: function for function in functions}

    async def run(self, calls: Sequence[ToolCall], passages: Sequence[Passage]) -> Sequence[Result]:
        """All calls of a turn, side by side; whatever is wrong with one is said in its result."""
        own = self._own(passages)
        return await asyncio.gather(*(self._one(call, own) for call in calls))

    async def _one(self, call: ToolCall, own: dict[str, Function]) -> Result:
        began = monotonic()
        site = self._site.get(call.name)
        entry: dict[str, Any] = {"name": call.name, "arguments": _kept(call)}
        entry |= {"found": [], "ms": 0, "error": "", "site": site is not None, "web": False}
        brought = Brought(Result())
        try:
            brought = await self._brought(call, own.get(call.name), site, entry)
        except (BadArguments, BadCall) as error:
            entry["error"] = str(error)
        except TimeoutError:
            entry["error"] = LATE
        except AllBusy:
            entry["error"] = BUSY
        except Exception:  # the edge of code that is not ours, or of a search that broke
            logger.exception("the function %s failed", call.name)
            entry["error"] = BROKEN
        entry |= {"ms": round((monotonic() - began) * 1000), "found": list(brought.documents)}
        entry["degraded"] = list(brought.degraded)
        if brought.answerable is not None:
            entry["answerable"] = round(brought.answerable, 4)
        if not entry["error"]:
            self.took(call, brought)
        if brought.computed:
            self.answer.computed.append(brought.computed)
        self._note(entry, brought.result.passages)
        return Result(note=entry["error"]) if entry["error"] else brought.result

    async def _brought(
        self,
        call: ToolCall,
        own: Function | None,
        site: SiteFunction | None,
        entry: dict[str, Any],
    ) -> Brought:
        """Run one call.

        Raises:
            BadArguments, BadCall, TimeoutError, AllBusy: and whatever code of a site raises.
        """
        function = own or (site.function if site else None)
        if function is None:
            names = ", ".join(spec.name for spec in self.specs)
            raise BadCall(f"There is no such function. There are: {names}.")
        arguments = function.arguments(call.arguments)
        key = call.name, json.dumps(arguments, sort_keys=True, default=str)
        if key in self._called:
            raise BadCall(AGAIN)
        if site is not None and settings.PII_POLICY != "off" and _is_private(key[1]):
            raise BadCall(PRIVATE)
        self._called.add(key)
        self._tell(call.name, arguments, site)
        async with asyncio.timeout(settings.TOOL_SECONDS):
            if site is None:
                work: Callable[[], Brought] = partial(function.call, **arguments)
                return await self.desk.cpu(work)
            filled = await self.desk.rows(partial(self._filled, function))
            value = await in_a_thread(partial(function.call, **arguments, **filled))
        entry["web"] = site.is_web or bool(pages_in(value))
        return Brought(Result(data=told(value)))

    def took(self, call: ToolCall, brought: Brought) -> None:
        """What a call brought, for those who answer from that alone."""

    def _filled(self, function: Function) -> dict[str, Asker]:
        """Who asks, as they are now, for a function that wants to know."""
        if not function.given:
            return {}
        user = get_user_model().objects.filter(pk=self.job.user.pk, is_active=True).first()
        if user is None:
            raise BadCall(BUSY)
        groups = frozenset(user.groups.values_list("name", flat=True))
        asker = Asker(user.pk, groups, user.is_visitor, self.job.language)
        return dict.fromkeys(function.given, asker)

    def _tell(self, name: str, arguments: dict[str, Any], site: SiteFunction | None) -> None:
        """Say to the reader what is done."""
        kind = name if site is None else ("web" if site.is_web else "site")
        self.answer.tell(*wording.tool_step(self.job.language, kind, arguments))

    def _note(self, entry: dict[str, Any], passages: Sequence[Passage]) -> None:
        """Keep a call with the answer's row, and what it found among its candidates."""
        self.answer.trace.gave((f["document_id"], f["document_version"]) for f in entry["found"])
        retrieval = self.answer.fields.get("retrieval", {})
        known = {one["chunk_id"] for one in retrieval.get("candidates", [])}
        fresh = [candidate_of(one) for one in passages if one.chunk_id not in known]
        kept = {
            **retrieval,
            "candidates": [*retrieval.get("candidates", []), *fresh],
            "tools": [*retrieval.get("tools", []), entry],
        }
        self.answer.fields = {**self.answer.fields, "retrieval": kept}


def _is_private(arguments: str) -> bool:
    """Whether personal data would go to a function of a site, which may send it anywhere."""
    return next(iter(find(arguments, region=settings.PHONE_REGION)), None) is not None


def _noted(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run.fields.get("retrieval", {}).get("tools", [])
    return found


def _kept(call: ToolCall) -> dict[str, Any]:
    """Arguments as they were given, cut; a text that is no object as it is."""
    try:
        given = json.loads(call.arguments) if call.arguments else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return {"": call.arguments.replace("\x00", "")[:_KEPT_CHARS]}
    cut = {str(name)[:60]: _cut(value) for name, value in list(given.items())[:20]}
    kept: dict[str, Any] = json.loads(json.dumps(cut).replace("\\u0000", ""))
    return kept


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_KEPT_CHARS].encode("utf-8", "ignore").decode("utf-8")
    if value is None or (isinstance(value, int | float) and abs(value) < _LARGEST):
        return value
    return json.dumps(value)[:_KEPT_CHARS]
