"""Which rows of a release a caller may see, and what a search needs to know of that, made once."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.types import Mask, Rows

Bits = NDArray[np.uint8]  # one for each row, the lowest of a byte first


class Share:
    """The allowed rows of one part of a release."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.count = int(np.count_nonzero(mask))

    @property
    def is_all(self) -> bool:
        """Whether no row is left out."""
        return self.count == len(self.mask)

    @cached_property
    def bits(self) -> Bits:
        """The mask as a selector takes it."""
        return np.packbits(self.mask, bitorder="little")

    @cached_property
    def rows(self) -> Rows:
        """The allowed rows, in order; ask only where they are few, as it is kept."""
        return np.flatnonzero(self.mask)


@dataclass(frozen=True, eq=False)
class Narrow:
    """Documents that a lexical search keeps to, or leaves out."""

    documents: Rows
    leaves_out: bool = True

    @classmethod
    def shorter(cls, allowed: Rows, denied: Rows) -> "Narrow":
        """The shorter way to say it."""
        return cls(denied) if len(denied) < len(allowed) else cls(allowed, leaves_out=False)


@dataclass(frozen=True, eq=False)
class Allowed:
    """The rows of a release that a caller may see, made by ``FileIndex.allow``.

    It may be kept and used by many threads for as long as the release is open.
    """

    shares: tuple[Share, ...]  # by part
    narrow: Narrow
    is_everything: bool  # but for hidden rows, which the lexical part does not have

    @cached_property
    def count(self) -> int:
        """How many rows there are."""
        return sum(share.count for share in self.shares)

    @cached_property
    def mask(self) -> Mask:
        """One truth value for each row of the release."""
        return joined(share.mask for share in self.shares)


def joined(masks: Iterable[Mask]) -> Mask:
    """Masks of parts as one of the whole; of a single part without a copy."""
    found = list(masks)
    return found[0] if len(found) == 1 else np.concatenate([*found, np.zeros(0, np.bool_)])
