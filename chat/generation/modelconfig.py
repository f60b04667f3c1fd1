"""What there is to know about a model before it is called, and how a call may fail.

ModelError
├── ModelTimeout      no connection, no first token or no next token in time
├── ModelFailed       refused, broke off, or sent what cannot be read
├── ModelResting      it failed again and again: not asked for a while
├── ModelBusy         as many calls as are allowed are running, and none ended in time
├── PersonalData      nothing was sent: it holds what must not leave the house
├── ToolsRefused      the server does not take functions, or not for this model
├── TooLong           nothing was sent: the request does not fit into the window
└── BudgetExhausted   the day's money does not suffice for this call
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from chat.generation.guard import Guard
from chat.generation.toolcalls import ToolSpec

PURPOSES = ("answer", "rewrite", "summary", "title", "judge", "reword")
TEMPERATURE = 0.2
ANSWER_TOKENS = 700
MILLION = 1_000_000
NANO = Decimal("0.000000001")  # USD; the smallest amount that is counted


class ModelError(Exception):
    """The model gave no answer, or not all of it.

    ``is_fault``: speaks against the model's health. ``is_billed``: something was generated, or may
    have been. ``may_repeat``: nothing was, and the same request may do better. ``retry_after``:
    seconds that the provider asks for.
    """

    is_fault = True
    is_billed = True
    may_repeat = False
    retry_after: float | None = None


class ModelTimeout(ModelError):
    pass


class ModelFailed(ModelError):
    def __init__(
        self,
        why: str,
        *,
        may_repeat: bool = False,
        is_fault: bool = True,
        is_billed: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(why)
        self.may_repeat = may_repeat
        self.is_billed = is_billed
        self.is_fault = is_fault
        self.retry_after = retry_after


class ModelResting(ModelError):
    is_fault = False
    is_billed = False
    may_repeat = True

    def __init__(self, seconds_left: float) -> None:
        super().__init__(f"not asked for another {seconds_left:.0f} s")
        self.retry_after = seconds_left


class ModelBusy(ModelError):
    is_fault = False
    is_billed = False


class PersonalData(ModelError):
    is_fault = False
    is_billed = False


class ToolsRefused(ModelError):
    is_fault = False
    is_billed = False


class TooLong(ModelError):
    is_fault = False
    is_billed = False


class BudgetExhausted(ModelError):
    is_fault = False
    is_billed = False


@dataclass(frozen=True)
class ModelConfig:
    """Where a model is, what it costs and how long it may take. Durations in seconds."""

    name: str  # what readers see and choose, and what rows keep
    api_key: str = field(repr=False)
    base_url: str = ""
    model: str = ""  # what the server calls it; the name where empty
    window: int = 8192  # tokens, the answer included
    temperature: float | None = TEMPERATURE  # None: the server's own, for models that refuse one
    answer_tokens: int = ANSWER_TOKENS
    price_in: Decimal = Decimal(0)  # USD a million tokens
    price_out: Decimal = Decimal(0)
    purposes: frozenset[str] = frozenset(PURPOSES)
    extra: str = ""  # further fields of the request, a JSON object
    tools: bool = False  # whether it can call functions
    groups: frozenset[str] = frozenset()  # who may choose it; empty: whoever may choose at all
    connect_seconds: float = 5.0
    first_token_seconds: float = 20.0
    next_token_seconds: float = 20.0
    whole_seconds: float = 60.0
    retries: int = 2
    at_once: int = 64  # calls of one process
    queue_seconds: float = 10.0  # how long a call waits for its turn
    guard: Guard = field(default_factory=Guard)

    @property
    def model_id(self) -> str:
        return self.model or self.name

    def cost(self, tokens_in: int, tokens_out: int) -> Decimal:
        """USD, rounded up to a billionth."""
        exact = (self.price_in * tokens_in + self.price_out * tokens_out) / MILLION
        return exact.quantize(NANO, rounding="ROUND_UP")


@dataclass(frozen=True)
class Limits:
    """What one call may take; the model's own values for an answer.

    ``repeats`` is told why, each time that the request is about to be sent again. ``tools`` are the
    functions that it knows; ``may_call`` is False where it must answer now.
    """

    max_tokens: int
    whole_seconds: float
    retries: int = 0
    repeats: Callable[[str], None] | None = None
    tools: tuple[ToolSpec, ...] = ()
    may_call: bool = True


def limits_of(config: ModelConfig) -> Limits:
    return Limits(config.answer_tokens, config.whole_seconds, config.retries)
