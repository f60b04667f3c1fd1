"""Documents by API: staff alone, and that is decided before anything is looked up."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.pagination import BasePagination
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ShallowJSONParser
from core.errors import Invalid, NotFound
from knowledge import catalogue
from knowledge.api import adding
from knowledge.api.document_serializers import (
    ChunkSerializer,
    DocumentSerializer,
    DocumentUploadSerializer,
    DocumentWriteSerializer,
    UploadResultSerializer,
    VersionSerializer,
)
from knowledge.api.reading import fields_of, files_of, one_content, values_of
from knowledge.api.staff import StaffView
from knowledge.models import Chunk, Document, DocumentVersion
from knowledge.services import (
    DocumentChanges,
    NewFile,
    cancel,
    delete_document,
    reprocess,
    update_document,
)
from knowledge.services.uploads import is_archive

_BODIES = {
    "application/json": DocumentWriteSerializer,
    "multipart/form-data": DocumentUploadSerializer,
}


def found(pk: int) -> Document:
    """The document as lists show it; raises NotFound."""
    document = catalogue.documents().filter(pk=pk).first()
    if document is None:
        raise NotFound
    return document


def shown(pk: int) -> dict[str, Any]:
    """The document's JSON as it is now."""
    return dict(DocumentSerializer(found(pk)).data)


class DocumentsView(StaffView, ListAPIView[Document]):
    """List documents, add one or several."""

    parser_classes = [ShallowJSONParser, MultiPartParser]
    serializer_class = DocumentSerializer

    def get_queryset(self) -> QuerySet[Document]:
        return catalogue.documents()

    @extend_schema(
        operation_id="knowledge_documents_add",
        request=_BODIES,
        responses={
            201: OpenApiResponse(
                DocumentSerializer,
                description='The document; with several `files` or an archive: `{"results": […]}`.',
            )
        },
    )
    def post(self, request: Request) -> Response:
        given = fields_of(request)
        several = files_of(request, "files")
        if several:
            return _results([r for file in several for r in adding.each(request, given, file)])
        content = one_content(request, given)
        if isinstance(content, NewFile) and is_archive(content):
            return _results(adding.from_archive(request, given, content))
        document = adding.one(request, given, content)
        return Response(shown(document.pk), status=status.HTTP_201_CREATED)


def _results(results: list[adding.Result]) -> Response:
    """What became of several files, each document as it is now, by one query for all of them."""
    ids = [result.document_id for result in results if result.document_id is not None]
    documents = catalogue.documents().in_bulk(ids)
    rows = [result.as_dict(documents) for result in results]
    body = {"results": UploadResultSerializer(rows, many=True).data}
    return Response(body, status=status.HTTP_201_CREATED)


class DocumentView(StaffView):
    """One document: read, change or replace, delete."""

    parser_classes = [ShallowJSONParser, MultiPartParser]

    @extend_schema(responses=DocumentSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shown(pk))

    @extend_schema(request=_BODIES, responses=DocumentSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        document = found(pk)
        given = fields_of(request)
        content = one_content(request, given)
        groups = tuple(given["groups"]) if "groups" in given else None
        update_document(document, DocumentChanges(**values_of(given), groups=groups), content)
        return Response(shown(pk))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        delete_document(found(pk), by=request.user)  # type: ignore[arg-type]
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReprocessView(StaffView):
    @extend_schema(request=None, responses={202: DocumentSerializer})
    def post(self, request: Request, pk: int) -> Response:
        reprocess(found(pk))
        return Response(shown(pk), status=status.HTTP_202_ACCEPTED)


class CancelView(StaffView):
    @extend_schema(request=None, responses={202: DocumentSerializer})
    def post(self, request: Request, pk: int) -> Response:
        cancel(found(pk))
        return Response(shown(pk), status=status.HTTP_202_ACCEPTED)


class _OfDocument:
    """Shared by the lists below a document: 404 for one that is not there."""

    kwargs: dict[str, Any]
    pagination_class: type[BasePagination] | None

    def document(self) -> Document:
        document = Document.objects.filter(pk=self.kwargs["pk"]).first()
        if document is None:
            raise NotFound
        return document


class VersionsView(StaffView, _OfDocument, ListAPIView[DocumentVersion]):
    """A document's uploads, newest first."""

    serializer_class = VersionSerializer
    queryset = DocumentVersion.objects.none()

    def get_queryset(self) -> QuerySet[DocumentVersion]:
        return catalogue.versions(self.document())


@extend_schema(
    parameters=[
        OpenApiParameter(
            "version", int, description="An upload's number; the one that answers by default."
        )
    ]
)
class ChunksView(StaffView, _OfDocument, ListAPIView[Chunk]):
    """The passages of one upload, in reading order."""

    serializer_class = ChunkSerializer
    queryset = Chunk.objects.none()

    def get_queryset(self) -> QuerySet[Chunk]:
        document = self.document()
        number = self.request.query_params.get("version", "")
        if number:
            if not (number.isascii() and number.isdigit() and len(number) < 10):
                raise Invalid(fields={"version": ["A whole number is needed."]})
            chosen = document.versions.filter(number=int(number))
        elif document.active_version_id:
            chosen = document.versions.filter(pk=document.active_version_id)
        else:
            chosen = document.versions.order_by("-number")[:1]
        version_id = chosen.values_list("pk", flat=True).first()
        if version_id is None:
            raise NotFound
        return (
            catalogue.chunks(version_id)
            .select_related("version")
            .defer("version__text", "version__outline", "version__pages", "version__page_report")
        )
