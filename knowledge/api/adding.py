"""New documents by API: a text, a file, several files, the members of an archive."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from core.errors import AppError, Code, Invalid, TooLarge
from knowledge.api.reading import values_of
from knowledge.models import Document
from knowledge.services import NewDocument, NewFile, add_document
from knowledge.services.archives import Budget, add_archive, forget_archive
from knowledge.services.uploads import is_archive

# Of an archive, what one request may take: seconds at most, and a worker goes on with the rest.
_BUDGET = Budget(members=200, seconds=5.0)


@dataclass(frozen=True)
class Result:
    """What became of one file: a document, or why not."""

    name: str
    document_id: int | None = None
    code: str = ""
    detail: str = ""

    def as_dict(self, documents: Mapping[int, Document]) -> dict[str, Any]:
        """The shape of the API; a document that is gone again is left out."""
        if self.code:
            return {"name": self.name, "code": self.code, "detail": self.detail}
        document = documents.get(self.document_id or 0)
        return {"name": self.name, **({"document": document} if document else {})}


def one(request: Request, given: dict[str, Any], content: NewFile | str | None) -> Document:
    """Add one text or file."""
    if content is None:
        raise Invalid(fields={"content": ["Send a text or a file."]})
    return add_document(_new_document(given, content), _owner(request))


def each(request: Request, given: dict[str, Any], file: NewFile) -> Iterator[Result]:
    """Add one of several files: one that is refused does not hold up the others."""
    fields = {name: value for name, value in given.items() if name not in {"title", "content"}}
    try:
        if is_archive(file):
            yield from from_archive(request, fields, file)
        else:
            yield Result(file.name, one(request, fields, file).pk)
    except AppError as error:
        sentence = next((s for texts in error.fields.values() for s in texts), error.detail)
        yield Result(file.name, None, error.code, sentence)


def from_archive(request: Request, given: dict[str, Any], file: NewFile) -> list[Result]:
    """Add the members of an archive; what takes longer than a request may is left to a worker.

    In that case the last result is the archive itself, as a document that waits.

    Raises:
        Invalid, TooLarge: nothing of the archive can be read.
    """
    fields = {name: value for name, value in given.items() if name not in {"title", "content"}}
    document, unpacked = add_archive(_new_document(fields, file), _owner(request), _BUDGET)
    results = [
        Result(taken.name, taken.document_id, taken.code, taken.detail)
        for taken in unpacked.members
    ]
    if not unpacked.is_done:
        return [*results, Result(file.name, document.pk)]
    forget_archive(document)  # all is said in the answer
    if not unpacked.error:
        return results
    if not results:
        if unpacked.is_too_large:
            raise TooLarge(unpacked.error)
        raise Invalid(fields={"file": [unpacked.error]})
    code = Code.TOO_LARGE if unpacked.is_too_large else Code.INVALID
    return [*results, Result(file.name, None, code, unpacked.error)]


def _new_document(given: dict[str, Any], content: NewFile | str) -> NewDocument:
    is_file = isinstance(content, NewFile)
    if not is_file and not given.get("title"):
        raise Invalid(fields={"title": ["A title is needed."]})
    return NewDocument(
        **values_of(given),
        groups=tuple(given.get("groups", ())),
        content="" if isinstance(content, NewFile) else content,
        file=content if isinstance(content, NewFile) else None,
    )


def _owner(request: Request) -> Any:
    return request.user
