"""Writing, opening and removing releases in Milvus."""

import json
import threading
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from knowledge.retrieval.backends.manifest import parsed_manifest
from knowledge.retrieval.backends.milvus import collections
from knowledge.retrieval.backends.milvus.collections import BASE_PART, PREFIX, RELEASES, Release
from knowledge.retrieval.backends.milvus.index import MilvusIndex
from knowledge.retrieval.types import BuildFailed, IndexRow, IndexUnusable, Manifest

FORMAT = 1
_NAME_MAX = 200


class MilvusEngine:
    """Releases in one Milvus: the path of a file for the light edition, or a server's address.

    A release is there from the moment at which it is named, which is the last thing that happens;
    what a killed writer left is cleared by the next one.
    """

    name = "milvus"

    def __init__(self, address: str, token: str = "") -> None:
        self._address = address
        self._token = token
        self._lock = threading.Lock()
        self._client: MilvusClient | None = None

    def build(
        self, name: str, rows: Iterable[IndexRow], dimension: int, extra: dict[str, object]
    ) -> Manifest:
        """Write a full release; raises BuildFailed."""
        with self._writing(name) as client:
            release = Release(name, uuid.uuid4().hex[:12], BASE_PART, (), 0, "")
            try:
                collections.create(client, release, dimension)
                filled = collections.fill(client, release, rows, 0)
                if len(filled.chunks) != filled.rows:
                    raise BuildFailed("A chunk stands twice in what the index was given.")
                collections.index_vectors(client, release, filled.rows)
            except BaseException:
                collections.drop(client, release)
                raise
            sizes = {"rows": filled.rows, "documents": len(filled.documents)}
            made = _manifest({**sizes, "dimension": dimension}, extra)
            collections.put_release(client, replace(release, size=filled.rows, manifest=made))
            return parsed_manifest(made)

    def extend(
        self,
        name: str,
        base: str,
        rows: Iterable[IndexRow],
        replaced: Collection[int],
        extra: dict[str, object],
    ) -> Manifest:
        """Write the base without some documents and with these rows.

        Raises BuildFailed, and IndexUnusable where the base is not there.
        """
        with self._writing(name) as client:
            known = collections.releases(client)
            old = known.get(base)
            if old is None:
                raise IndexUnusable("its base is missing")
            kin = [one for one in known.values() if one.stem == old.stem]
            part = max(one.part for one in kin) + 1
            first = max(one.size for one in kin)
            new = Release(name, old.stem, part, old.replaced, first, "")
            try:
                made = _extended(client, old, new, rows, set(replaced))
            except BaseException:
                _clear_part(client, new)
                raise
            manifest = json.loads(old.manifest)
            live = _counted(client, made)
            text = _manifest({**live, "dimension": manifest["dimension"]}, extra)
            collections.put_release(client, replace(made, manifest=text))
            return parsed_manifest(text)

    def open(self, name: str, *, verify: bool = False) -> MilvusIndex:
        """Open a release; raises IndexUnusable. Milvus looks after its files itself."""
        try:
            client = self._connected()
            release = collections.releases(client).get(name)
        except MilvusException as error:
            raise IndexUnusable("Milvus cannot be reached.") from error
        if release is None:
            raise IndexUnusable("its rows are missing")
        return MilvusIndex(client, release, parsed_manifest(release.manifest))

    def remove(self, name: str) -> None:
        """Delete a release; the collections go with the last release that reads them."""
        client = self._connected()
        known = collections.releases(client)
        release = known.pop(name, None)
        if release is None:
            return
        collections.drop_release(client, name)
        if not any(one.stem == release.stem for one in known.values()):
            collections.drop(client, release)
        elif release.part != BASE_PART:
            _clear_part(client, release)

    def names(self) -> set[str]:
        """The complete releases."""
        return set(collections.releases(self._connected()))

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    @contextmanager
    def _writing(self, name: str) -> Iterator[MilvusClient]:
        if not 0 < len(name) <= _NAME_MAX:
            raise BuildFailed("A release needs a name of at most 200 characters.")
        try:
            client = self._connected()
            self.remove(name)  # of a database that was restored since
            _clear_leftovers(client)
            yield client
        except (MilvusException, ValueError) as error:
            raise BuildFailed(f"The index was not written: {type(error).__name__}.") from error

    def _connected(self) -> MilvusClient:
        with self._lock:
            if self._client is None:
                self._client = MilvusClient(uri=self._address, token=self._token)
            return self._client


def _manifest(sizes: dict[str, int], extra: dict[str, object]) -> str:
    # Milvus does not say what a collection takes: vectors and about as much again for the words.
    size = sizes["rows"] * sizes["dimension"] * 4 * 2
    return json.dumps({"format": FORMAT, **sizes, "bytes": size, "extra": extra}, default=str)


def _extended(
    client: MilvusClient, old: Release, new: Release, rows: Iterable[IndexRow], replaced: set[int]
) -> Release:
    carried = _carry_over(client, old, new, replaced)
    filled = collections.fill(client, new, rows, new.size + carried)
    hidden = tuple(sorted({*old.replaced, *replaced, *filled.documents}))
    return replace(new, replaced=hidden, size=new.size + carried + filled.rows)


def _carry_over(client: MilvusClient, old: Release, new: Release, replaced: set[int]) -> int:
    """The entities that a base which is itself an extension added; returns how many rows."""
    if old.part == BASE_PART:
        return 0
    fields = ["document", "version", "chunk", "embedding", "words"]
    rows = [
        {**entity, "row": new.size + at, "part": new.part}
        for at, entity in enumerate(
            entity
            for entity in collections.entities(client, old.rows, f"part == {old.part}", fields)
            if entity["document"] not in replaced
        )
    ]
    for name, key in ((new.words, "term"), (new.documents, "document")):
        wanted = [key, "count", "unused", *(["version"] if key == "document" else [])]
        kept = [
            {**entity, "key": f"{new.part}:{entity[key]}", "part": new.part}
            for entity in collections.entities(client, name, f"part == {old.part}", wanted)
            if key == "term" or entity["document"] not in replaced
        ]
        _insert(client, name, kept)
    _insert(client, new.rows, rows)
    return len(rows)


def _insert(client: MilvusClient, name: str, made: list[dict[str, object]]) -> None:
    for start in range(0, len(made), collections.BATCH):
        client.upsert(name, made[start : start + collections.BATCH])


def _counted(client: MilvusClient, release: Release) -> dict[str, int]:
    found = list(
        collections.entities(client, release.documents, release.visible, ["document", "count"])
    )
    return {
        "rows": sum(int(one["count"]) for one in found),
        "documents": len({one["document"] for one in found}),
    }


def _clear_part(client: MilvusClient, release: Release) -> None:
    for name in (release.rows, release.words, release.documents):
        if client.has_collection(name):
            client.delete(name, filter=f"part == {release.part}")


def _clear_leftovers(client: MilvusClient) -> None:
    """Drop the collections that no release names: their writer was killed."""
    stems = {one.stem for one in collections.releases(client).values()}
    for name in client.list_collections():
        if name.startswith(PREFIX) and name != RELEASES and name.rpartition("_")[2] not in stems:
            client.drop_collection(name)
