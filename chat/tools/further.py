"""The functions of an answer that has nothing else to rest on than what they bring."""

from dataclasses import dataclass, field

from django.utils import timezone

from chat.generation.support.grounds import Ground, Grounds
from chat.generation.toolcalls import ToolCall
from chat.tools.answering import AnswerTools
from chat.tools.builtin import Brought
from chat.tools.site import FROM_WEB
from knowledge.passages import Passage

_DAYS = frozenset({"add_to_date", "days_between"})


@dataclass
class FurtherTools(AnswerTools):
    """``passages`` are those that were brought, ``grounds`` what else was.

    ``certainty`` is that of the best search. A calculation counts where its figures were named.
    """

    grounds: Grounds = field(default_factory=Grounds)
    passages: list[Passage] = field(default_factory=list)
    certainty: float = 0.0

    @property
    def name(self) -> str:
        return "further"

    @property
    def is_empty_handed(self) -> bool:
        return not (self.passages or self.grounds.brought)

    def took(self, call: ToolCall, brought: Brought) -> None:
        self.certainty = max(self.certainty, brought.certainty)
        self.passages += brought.result.passages
        self.grounds.known += [one.text for one in brought.result.passages]
        ground = self._ground(call, brought)
        if ground is not None:
            self.grounds.brought.append(ground)

    def _ground(self, call: ToolCall, brought: Brought) -> Ground | None:
        result = brought.result
        words = f"{call.arguments}\n{result.note}\n{result.data}"
        if call.name == "calculate":
            derives = self.grounds.derives(call.arguments)
            return Ground(words, brought.computed) if derives else None
        if call.name in _DAYS:
            today = timezone.localdate().isoformat()
            is_dated = self.grounds.is_dated(call.arguments, today)
            return Ground(words, brought.computed) if is_dated else None
        if call.name == "list_documents":
            if not brought.titles:
                return None
            return Ground(words, result.note.partition(",")[0], brought.titles, is_list=True)
        is_of_site = bool(result.data) and call.name not in self.own_names
        return Ground(result.data.removeprefix(FROM_WEB)) if is_of_site else None
