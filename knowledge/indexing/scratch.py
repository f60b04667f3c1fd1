"""Folders that hold a document's words while somebody works on it: each belongs to one claim.

A folder is named after the claim's token. Whoever finds one can tell from the rows whether anybody
works in it: a token that no row has any more is a claim that was cancelled or taken over, so the
folder goes at once. It never goes while the claim stands, however long the work takes.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

from knowledge.indexing.leases import VersionLease
from knowledge.ingestion.sandbox import FOLDER_PREFIX
from knowledge.models import DocumentVersion, VersionState

_TOKENS = 500  # in one query


@contextmanager
def folder_of(lease: VersionLease) -> Iterator[Path]:
    """A claim's own folder, as long as the context lasts."""
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR) / f"{FOLDER_PREFIX}{lease.token.hex}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def of_claims(names: Iterable[str]) -> dict[str, bool]:
    """Those of the names that are folders of claims, and whether each claim still stands.

    List the names first: a claim is a row before it has a folder.
    """
    tokens = {name: token for name in names if (token := _token(name)) is not None}
    standing: set[UUID] = set()
    wanted = list(tokens.values())
    for start in range(0, len(wanted), _TOKENS):
        claims = DocumentVersion.objects.filter(
            state=VersionState.PROCESSING, lease_token__in=wanted[start : start + _TOKENS]
        )
        standing.update(token for token in claims.values_list("lease_token", flat=True) if token)
    return {name: token in standing for name, token in tokens.items()}


def _token(name: str) -> UUID | None:
    if not name.startswith(FOLDER_PREFIX):
        return None
    try:
        return UUID(hex=name.removeprefix(FOLDER_PREFIX))
    except ValueError:
        return None
