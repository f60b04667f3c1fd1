"""The collections of the engine, and what of a release is put into them.

A full release has three: its rows, the words' counts and the documents. Its extensions add
entities to them under a part number of their own; a release names the documents that it replaces.
Milvus knows no transactions: what no release names is not there, and goes with the next build.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymilvus import DataType, MilvusClient

from knowledge.retrieval.backends.terms import row_terms, share_of
from knowledge.retrieval.types import BuildFailed, IndexRow

PREFIX = "footnote_"
RELEASES = f"{PREFIX}releases"
BASE_PART = 0
BATCH = 500
# Above it Milvus chooses an approximate index by itself; below it every vector is compared.
EXACT_ROWS = 50_000
RECORD_MAX = 65_000  # bytes: a text field of Milvus takes 65,535
_UNUSED = [0.0, 0.0]  # every collection of Milvus needs a vector
# BM25 as Lucene has it. The usual length of a field, in terms, stands for the corpus's average,
# which is not known before the last row: it only says how much long rows are damped.
_K1, _B = 1.2, 0.75
_USUAL_LENGTH = {"title": 5.0, "heading": 8.0, "body": 110.0, "exact": 4.0, "pairs": 120.0}


@dataclass(frozen=True)
class Release:
    """A complete release: where its rows are, and which of them."""

    name: str
    stem: str  # of its collections' names
    part: int
    replaced: tuple[int, ...]
    size: int
    manifest: str

    @property
    def rows(self) -> str:
        return f"{PREFIX}rows_{self.stem}"

    @property
    def words(self) -> str:
        return f"{PREFIX}words_{self.stem}"

    @property
    def documents(self) -> str:
        return f"{PREFIX}documents_{self.stem}"

    @property
    def visible(self) -> str:
        """The filter of the entities that belong to this release."""
        if self.part == BASE_PART:
            return "part == 0"
        if not self.replaced:
            return f"part in [0, {self.part}]"
        hidden = ", ".join(map(str, self.replaced))
        return f"(part == {self.part} or (part == 0 and document not in [{hidden}]))"


@dataclass
class Filled:
    """What was put in."""

    rows: int = 0
    documents: dict[int, list[int]] = field(default_factory=dict)  # id -> [version, rows]
    chunks: set[Any] = field(default_factory=set)


def term_number(key: str) -> int:
    """The number of a term in sparse vectors: two of a million share one in 4,000 cases."""
    digest = hashlib.blake2b(key.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % (2**32 - 2) + 1


def releases(client: MilvusClient) -> dict[str, Release]:
    """The complete releases, by name."""
    if not client.has_collection(RELEASES):
        return {}
    found = {}
    for entity in entities(client, RELEASES, "number >= 0", ["record"]):
        values = json.loads(entity["record"])
        one = Release(**{**values, "replaced": tuple(values["replaced"])})
        found[one.name] = one
    return found


def put_release(client: MilvusClient, release: Release) -> None:
    """Name a release: from now on it is there."""
    record = json.dumps(vars(release))
    if len(record.encode()) > RECORD_MAX:
        raise BuildFailed("Too many documents are replaced at once; a full build is needed.")
    if not client.has_collection(RELEASES):
        schema = _schema(number=DataType.INT64)
        schema.add_field("name", DataType.VARCHAR, is_primary=True, max_length=200)
        schema.add_field("record", DataType.VARCHAR, max_length=65_535)
        _create(client, RELEASES, schema)
    client.upsert(
        RELEASES, [{"name": release.name, "number": 1, "record": record, "unused": _UNUSED}]
    )


def drop_release(client: MilvusClient, name: str) -> None:
    """Forget a release's name."""
    client.delete(RELEASES, filter=f"name == {json.dumps(name)}")


def create(client: MilvusClient, release: Release, dimension: int) -> None:
    """Empty collections for a full release."""
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("row", DataType.INT64, is_primary=True)
    for name in ("part", "document", "version"):
        schema.add_field(name, DataType.INT64)
    schema.add_field("chunk", DataType.VARCHAR, max_length=36)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=dimension)
    schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
    indexes = client.prepare_index_params()
    indexes.add_index("embedding", index_type="FLAT", metric_type="IP")
    indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
    client.create_collection(
        release.rows, schema=schema, index_params=indexes, consistency_level="Strong"
    )
    for name, fields in (
        (release.words, {"term": DataType.INT64, "count": DataType.INT64}),
        (
            release.documents,
            {"document": DataType.INT64, "version": DataType.INT64, "count": DataType.INT64},
        ),
    ):
        counted = _schema(part=DataType.INT64, **fields)
        counted.add_field("key", DataType.VARCHAR, is_primary=True, max_length=50)
        _create(client, name, counted)


def index_vectors(client: MilvusClient, release: Release, count: int) -> None:
    """Give a large collection the index that Milvus thinks best for it."""
    if count <= EXACT_ROWS:
        return
    client.release_collection(release.rows)
    client.drop_index(release.rows, "embedding")
    indexes = client.prepare_index_params()
    indexes.add_index("embedding", index_type="AUTOINDEX", metric_type="IP")
    client.create_index(release.rows, indexes)
    client.load_collection(release.rows)


def fill(client: MilvusClient, release: Release, rows: Iterable[IndexRow], first: int) -> Filled:
    """Put rows in, numbered from ``first``."""
    filled = Filled()
    counts: Counter[int] = Counter()
    batch: list[dict[str, Any]] = []
    for row in rows:
        terms = row_terms(row)
        batch.append(_entity(row, terms, first + filled.rows, release.part))
        counts.update({term_number(key) for counted in terms.values() for key in counted})
        filled.documents.setdefault(row.document_id, [row.version_id, 0])[1] += 1
        filled.chunks.add(row.chunk_id)
        filled.rows += 1
        if len(batch) == BATCH:
            client.insert(release.rows, batch)
            batch = []
    if batch:
        client.insert(release.rows, batch)
    _fill_counts(client, release, counts, filled)
    return filled


def entities(
    client: MilvusClient, collection: str, condition: str, fields: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """Every entity that fits, some at a time."""
    iterator = client.query_iterator(
        collection, filter=condition, output_fields=list(fields), batch_size=1000
    )
    try:
        while page := iterator.next():
            yield from page
    finally:
        iterator.close()


def drop(client: MilvusClient, release: Release) -> None:
    """Drop a full release's collections."""
    for name in (release.rows, release.words, release.documents):
        if client.has_collection(name):
            client.drop_collection(name)


def _entity(
    row: IndexRow, terms: Mapping[str, Counter[str]], number: int, part: int
) -> dict[str, Any]:
    return {
        "row": number,
        "part": part,
        "document": row.document_id,
        "version": row.version_id,
        "chunk": str(row.chunk_id),
        "embedding": row.vector.tolist(),
        "words": _weights(terms) or {0: 1e-6},  # Milvus takes no empty vector
    }


def _weights(terms: Mapping[str, Counter[str]]) -> dict[int, float]:
    """BM25's part of a row for each of its terms, without the term's rarity."""
    weights: dict[int, float] = {}
    for name, counted in terms.items():
        length = sum(counted.values()) / _USUAL_LENGTH[name]
        for key, count in counted.items():
            damped = count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * length))
            number = term_number(key)
            weights[number] = weights.get(number, 0.0) + share_of(name) * damped
    return weights


def _fill_counts(
    client: MilvusClient, release: Release, counts: Mapping[int, int], filled: Filled
) -> None:
    part = release.part
    words = [
        {"key": f"{part}:{term}", "part": part, "term": term, "count": count, "unused": _UNUSED}
        for term, count in counts.items()
    ]
    documents = [
        {
            "key": f"{part}:{document}",
            "part": part,
            "document": document,
            "version": version,
            "count": count,
            "unused": _UNUSED,
        }
        for document, (version, count) in filled.documents.items()
    ]
    for name, made in ((release.words, words), (release.documents, documents)):
        for start in range(0, len(made), BATCH):
            client.upsert(name, made[start : start + BATCH])


def _schema(**fields: Any) -> Any:
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    for name, kind in fields.items():
        schema.add_field(name, kind)
    schema.add_field("unused", DataType.FLOAT_VECTOR, dim=len(_UNUSED))
    return schema


def _create(client: MilvusClient, name: str, schema: Any) -> None:
    indexes = client.prepare_index_params()
    indexes.add_index("unused", index_type="FLAT", metric_type="L2")
    client.create_collection(name, schema=schema, index_params=indexes, consistency_level="Strong")
