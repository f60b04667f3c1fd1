"""What a request to a document brings, whatever the shape of its body."""

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from rest_framework.request import Request

from core.errors import Invalid, TooLarge
from knowledge.api.document_serializers import DocumentWriteSerializer
from knowledge.services import KEPT, NewFile, Term

_DAYS = ("effective_from", "review_by", "expires_on")
_PLAIN = ("title", "source", "document_type", "is_active")


def body_of(request: Request) -> Any:
    """The parsed body; one that is over Django's own limits is 413 or 400 and not a page."""
    try:
        return request.data
    except RequestDataTooBig as error:
        raise TooLarge from error
    except TooManyFilesSent as error:
        raise Invalid("Too many files at once.") from error


def fields_of(request: Request) -> dict[str, Any]:
    """The validated fields of a document that the body brings.

    A form's groups are repeated, and an empty field of it is no date and no document.
    """
    data = body_of(request)
    if isinstance(data, QueryDict):
        given: Any = {name: data[name] for name in data if name not in {"groups", "file", "files"}}
        if "groups" in data:
            given["groups"] = [name for name in data.getlist("groups") if name]
        given.update({name: None for name in (*_DAYS, "superseded_by") if given.get(name) == ""})
    else:
        given = data
    form = DocumentWriteSerializer(data=given)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def values_of(given: dict[str, Any]) -> dict[str, Any]:
    """The fields as NewDocument and DocumentChanges both take them; the content and the groups
    are left to the caller.
    """
    return {
        **{name: given[name] for name in _PLAIN if name in given},
        "term": Term(**{name: given[name] for name in _DAYS if name in given}),
        "superseded_by": given.get("superseded_by", KEPT),
    }


def files_of(request: Request, name: str) -> list[NewFile]:
    """The files of one form field."""
    body_of(request)
    files = getattr(request, "FILES", None)
    return [_new_file(file) for file in files.getlist(name)] if files else []


def one_content(request: Request, given: dict[str, Any]) -> NewFile | str | None:
    """The one file or text of a body; None where it has neither, 400 where it has both."""
    files = files_of(request, "file")
    if len(files) > 1:
        raise Invalid(fields={"file": ["Send one file here, several as “files”."]})
    if files and "content" in given:
        raise Invalid(fields={"content": ["Send a file or a text, not both."]})
    if files:
        return files[0]
    content: str | None = given.get("content")
    return content


def _new_file(file: "UploadedFile[Any]") -> NewFile:
    return NewFile(file, file.name or "", file.content_type or "")
