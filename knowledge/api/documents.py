"""Documents by API: staff alone, and that is decided before anything is looked up."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.pagination import BasePagination
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import ShallowJSONParser
from core.errors import AppError, Invalid, NotFound
from knowledge import catalogue
from knowledge.api.reading import fields_of, files_of, one_content
from knowledge.api.serializers import (
    ChunkSerializer,
    DocumentSerializer,
    DocumentUploadSerializer,
    DocumentWriteSerializer,
    UploadResultSerializer,
    VersionSerializer,
)
from knowledge.models import Chunk, Document, DocumentVersion
from knowledge.services import (
    DocumentChanges,
    NewDocument,
    NewFile,
    add_document,
    cancel,
    delete_document,
    reprocess,
    update_document,
)

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


class DocumentsView(ListAPIView[Document]):
    """List documents, add one or several."""

    permission_classes = [IsAdminUser]
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
                description='The document; with several `files`: `{"results": […]}`.',
            )
        },
    )
    def post(self, request: Request) -> Response:
        given = fields_of(request)
        several = files_of(request, "files")
        if several:
            results = [_added(request, given, file) for file in several]
            body = {"results": UploadResultSerializer(results, many=True).data}
            return Response(body, status=status.HTTP_201_CREATED)
        content = one_content(request, given)
        document = add_document(_new_document(given, content), request.user)  # type: ignore[arg-type]
        return Response(shown(document.pk), status=status.HTTP_201_CREATED)


def _new_document(given: dict[str, Any], content: NewFile | str | None) -> NewDocument:
    missing = "Send a text or a file."
    if content is None:
        raise Invalid(fields={"content": [missing]})
    is_file = isinstance(content, NewFile)
    if not is_file and not given.get("title"):
        raise Invalid(fields={"title": ["A title is needed."]})
    plain = {k: v for k, v in given.items() if k not in {"content", "groups"}}
    return NewDocument(
        **plain,
        groups=tuple(given.get("groups", ())),
        content="" if isinstance(content, NewFile) else content,
        file=content if isinstance(content, NewFile) else None,
    )


def _added(request: Request, given: dict[str, Any], file: NewFile) -> dict[str, Any]:
    """What became of one of several files: one that is refused does not hold up the others."""
    fields = {name: value for name, value in given.items() if name not in {"title", "content"}}
    try:
        document = add_document(_new_document(fields, file), request.user)  # type: ignore[arg-type]
    except AppError as error:
        sentence = next((s for texts in error.fields.values() for s in texts), error.detail)
        return {"name": file.name, "code": error.code, "detail": sentence}
    return {"name": file.name, "document": found(document.pk)}


class DocumentView(APIView):
    """One document: read, change or replace, delete."""

    permission_classes = [IsAdminUser]
    parser_classes = [ShallowJSONParser, MultiPartParser]

    @extend_schema(responses=DocumentSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shown(pk))

    @extend_schema(request=_BODIES, responses=DocumentSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        document = found(pk)
        given = fields_of(request)
        content = one_content(request, given)
        plain = {k: v for k, v in given.items() if k not in {"content", "groups"}}
        groups = tuple(given["groups"]) if "groups" in given else None
        update_document(document, DocumentChanges(**plain, groups=groups), content)
        return Response(shown(pk))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        delete_document(found(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReprocessView(APIView):
    permission_classes = [IsAdminUser]

    @extend_schema(request=None, responses={202: DocumentSerializer})
    def post(self, request: Request, pk: int) -> Response:
        reprocess(found(pk))
        return Response(shown(pk), status=status.HTTP_202_ACCEPTED)


class CancelView(APIView):
    permission_classes = [IsAdminUser]

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


class VersionsView(_OfDocument, ListAPIView[DocumentVersion]):
    """A document's uploads, newest first."""

    permission_classes = [IsAdminUser]
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
class ChunksView(_OfDocument, ListAPIView[Chunk]):
    """The passages of one upload, in reading order."""

    permission_classes = [IsAdminUser]
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
            Chunk.objects.filter(version_id=version_id)
            .select_related("version")
            .defer("version__text", "version__outline", "version__pages")
            .order_by("ordinal")
        )
