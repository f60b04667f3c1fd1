"""A sequence classifier (of textual entailment, say) that tells if a passage says a sentence.

Any such model of transformers by path or name in the local cache; nothing is downloaded. Which of
its labels means what is read from its configuration.
"""

import importlib
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

logger = logging.getLogger(__name__)

SECONDS = 8.0  # for all sentences of an answer; those that are not reached stay open
_BATCH = 8
_WINDOW = 512  # tokens of passage and sentence together
_RETRY_SECONDS = 60.0  # after a load that failed: it may have cost seconds
_YES = ("entail", "supported", "supports", "consistent", "faithful", "true", "yes")
_NO = ("contradict", "refute", "not_", "not ", "un", "in", "hallucinat", "false", "no", "non")


class ClassifierUnavailable(Exception):
    """The model cannot be used; the message says why."""


class SupportClassifier:
    """Loaded at first use. Any number of threads may call it; one runs the model at a time."""

    def __init__(self, model: str, device: str = "cpu") -> None:
        self.name = model
        self._device = device
        self._loaded: tuple[Any, Any, int] | None = None
        self._failed_at: float | None = None
        self._lock = threading.Lock()

    def classify(self, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
        """Chances that the first text says the second; None for what is not known in time."""
        until = time.monotonic() + SECONDS
        found: list[float | None] = []
        with self._lock:
            try:
                tokenizer, model, yes = self._load()
                for at in range(0, len(pairs), _BATCH):
                    if time.monotonic() > until:
                        break
                    found += _chances(tokenizer, model, yes, pairs[at : at + _BATCH])
            except ClassifierUnavailable as error:
                logger.warning("%s", error)
            except (RuntimeError, ValueError, IndexError) as error:
                logger.warning("the support model gave no verdict: %s", type(error).__name__)
        return found + [None] * (len(pairs) - len(found))

    def warm_up(self) -> None:
        """Load the model before the first answer. Raises ClassifierUnavailable."""
        with self._lock:
            self._load()

    def _load(self) -> tuple[Any, Any, int]:
        if self._loaded is not None:
            return self._loaded
        if self._failed_at is not None and time.monotonic() - self._failed_at < _RETRY_SECONDS:
            raise ClassifierUnavailable(f"The support model {self.name!r} did not load.")
        try:
            self._loaded = self._made()
        except (ImportError, OSError, ValueError, RuntimeError, KeyError) as error:
            self._failed_at = time.monotonic()
            raise ClassifierUnavailable(
                f"The support model {self.name!r} does not load ({type(error).__name__})."
            ) from error
        return self._loaded

    def _made(self) -> tuple[Any, Any, int]:
        library = importlib.import_module("transformers")
        importlib.import_module("transformers.utils.logging").disable_progress_bar()
        given = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = library.AutoTokenizer.from_pretrained(self.name, **given)
        safetensors = importlib.import_module("safetensors")
        try:
            model = library.AutoModelForSequenceClassification.from_pretrained(
                self.name, use_safetensors=True, **given
            )
        except safetensors.SafetensorError as error:
            raise ValueError("its weights are damaged") from error
        model.to(self._device).eval()
        return tokenizer, model, supporting_label(model.config.id2label)


def supporting_label(labels: Mapping[int, str]) -> int:
    """Which output means that the passage says the sentence; -1: the model has one output alone.

    Two labels without names are taken for no and yes.

    Raises:
        ValueError: the names tell nothing, so a verdict could be its own opposite.
    """
    if len(labels) == 1:
        return -1
    named = {int(at): str(name).casefold().strip() for at, name in labels.items()}
    yes = [
        at
        for at, name in named.items()
        if any(word in name for word in _YES) and not name.startswith(_NO)
    ]
    if len(yes) == 1:
        return yes[0]
    if len(named) == 2 and all(name.startswith("label_") for name in named.values()):
        return 1
    raise ValueError("no label of the support model is known to mean that a text is supported")


def _chances(
    tokenizer: Any, model: Any, yes: int, pairs: Sequence[tuple[str, str]]
) -> list[float | None]:
    torch = importlib.import_module("torch")
    longest = min(int(getattr(model.config, "max_position_embeddings", _WINDOW)), _WINDOW)
    inputs = tokenizer(
        [premise for premise, _ in pairs],
        [sentence for _, sentence in pairs],
        padding=True,
        truncation="only_first",
        max_length=longest,
        return_tensors="pt",
    ).to(model.device)
    with torch.inference_mode():
        logits = model(**inputs).logits.float()
    values = torch.sigmoid(logits[:, 0]) if yes < 0 else torch.softmax(logits, dim=-1)[:, yes]
    if not bool(torch.isfinite(values).all()):
        raise ValueError("values that are no numbers")
    return [float(value) for value in values]
