"""Documents in the admin: every write is a service's, every wrong file a sentence in the form."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from unfold.admin import ModelAdmin
from unfold.decorators import display

from core.errors import AppError
from core.staff import ForStaff
from knowledge import catalogue, notices
from knowledge.admin import badges, uploading
from knowledge.admin.answers import person, say, say_receipt
from knowledge.admin.filters import ConditionFilter, StateFilter
from knowledge.admin.forms import DocumentForm
from knowledge.admin.noticing import notices_of_all
from knowledge.admin.processing import ProcessingActions
from knowledge.admin.uploads import stored_first
from knowledge.ingestion.sniffing import MediaType
from knowledge.models import Chunk, Document, DocumentVersion
from knowledge.services import (
    Erasure,
    add_document,
    cancel_many,
    delete_document,
    delete_documents,
    reprocess_many,
    set_active,
    set_groups,
    update_document,
)

_DAYS = ("effective_from", "review_by", "expires_on", "superseded_by")
_NOBODY = "Nobody: restricted, no group left"
_SHOWN_CHUNKS = 10
_SHOWN_VERSIONS = 10


@admin.register(Document)
class DocumentAdmin(ProcessingActions, ForStaff, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Files in, state in sight, out of answers at once."""

    form = DocumentForm
    list_display = (
        "described",
        "state",
        "version",
        "passages",
        "audience",
        "document_type",
        "changed",
    )
    list_display_links = ("described",)
    list_filter = (StateFilter, ConditionFilter, "document_type", "is_active", "groups")
    list_before_template = "knowledge/admin/_documents.html"
    search_fields = ("title", "source", "owner__email")
    show_full_result_count = False
    list_per_page = 50
    actions = ("activate", "deactivate", "open_to_all", "process_again", "cancel_processing")
    filter_horizontal = ()
    fieldsets = (
        ("State", {"fields": ("state_now", "warnings")}),
        (None, {"fields": ("title", "source", "document_type")}),
        ("Who may read it", {"fields": ("audience", "groups", "is_active")}),
        ("When it answers", {"fields": _DAYS}),
        ("New version", {"fields": ("uploads", "content")}),
        ("What was read", {"fields": ("versions_table", "passages_table")}),
    )
    add_fieldsets = (
        (None, {"fields": ("uploads", "content", "title", "source", "document_type")}),
        ("Who may read it", {"fields": ("groups", "is_active")}),
        ("When it answers", {"fields": _DAYS}),
    )
    raw_id_fields = ("superseded_by",)
    readonly_fields = ("state_now", "warnings", "audience", "versions_table", "passages_table")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Many files at once, and the state of those in sight, beside the theme's own pages."""
        view = self.admin_site.admin_view
        own = [
            path("files/", view(uploading.page), name="knowledge_document_files"),
            path("files/one/", view(uploading.take), name="knowledge_document_take"),
            path("states/", view(uploading.states), name="knowledge_document_states"),
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        return catalogue.documents().select_related("owner", "superseded_by")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            **(extra_context or {}),
            "stats": catalogue.stats(),
            "notices": notices_of_all(),
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    # --- What is shown ---

    @display(description="Document", ordering="title")  # type: ignore[untyped-decorator]
    def described(self, document: Document) -> SafeString:
        newest = _newest(document)
        context = {
            "document": document,
            "version": newest,
            "kind": _kind(newest),
            "owner": document.owner.display_name if document.owner else "",
            "conditions": badges.conditions(document, newest),
        }
        return render_to_string("knowledge/admin/_title.html", context)

    @display(description="State", ordering="newest_state")  # type: ignore[untyped-decorator]
    def state(self, document: Document) -> SafeString:
        return badges.live(document, _newest(document))

    @display(description="State")  # type: ignore[untyped-decorator]
    def state_now(self, document: Document) -> SafeString:
        """Without the first warning, as all of them stand below."""
        newest = _newest(document)
        return badges.live(document, newest, is_brief=bool(newest.warnings))

    @display(description="Version")  # type: ignore[untyped-decorator]
    def version(self, document: Document) -> int:
        return _newest(document).number

    @display(description="Passages", ordering="active_chunks")  # type: ignore[untyped-decorator]
    def passages(self, document: Document) -> int | None:
        count: int | None = document.active_chunks  # type: ignore[attr-defined]
        return count

    @display(description="Read by")  # type: ignore[untyped-decorator]
    def audience(self, document: Document) -> str:
        names = ", ".join(group.name for group in document.groups.all())
        return names or (_NOBODY if document.is_restricted else "Everyone")

    @display(description="Changed", ordering="uploaded_at")  # type: ignore[untyped-decorator]
    def changed(self, document: Document) -> str:
        return date_format(localtime(_newest(document).created_at), "j M Y, H:i")

    @display(description="Warnings")  # type: ignore[untyped-decorator]
    def warnings(self, document: Document) -> SafeString:
        newest = _newest(document)
        context = {
            "sentences": newest.warnings,
            "silent": badges.ranges(catalogue.pages_without_text(newest)),
            "pages": newest.page_count,
            "notices": notices.from_others(document.pk),
        }
        return render_to_string("knowledge/admin/_warnings.html", context)

    @display(description="Versions")  # type: ignore[untyped-decorator]
    def versions_table(self, document: Document) -> SafeString:
        versions = catalogue.versions(document)
        shown = [
            {
                "version": version,
                "badge": badges.of_version(
                    version, is_answering=version.pk == document.active_version_id
                ).without_warning(version),
            }
            for version in versions[:_SHOWN_VERSIONS]
        ]
        more = max(0, versions.count() - _SHOWN_VERSIONS)
        return render_to_string("knowledge/admin/_versions.html", {"rows": shown, "more": more})

    @display(description="Passages")  # type: ignore[untyped-decorator]
    def passages_table(self, document: Document) -> SafeString:
        chunks = Chunk.objects.filter(version=document.active_version_id).order_by("ordinal")
        link = reverse("admin:knowledge_chunk_changelist")
        context = {
            "chunks": list(chunks[:_SHOWN_CHUNKS]),
            "total": chunks.count(),
            "url": f"{link}?version__id__exact={document.active_version_id}",
        }
        return render_to_string("knowledge/admin/_passages.html", context)

    # --- What is written ---

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What the form could not foresee, a full disk or a document that went, is a message."""
        try:
            with stored_first(request, "uploads"):
                response: HttpResponse = super().changeform_view(
                    request, object_id, form_url, extra_context
                )
        except AppError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(reverse("admin:knowledge_document_changelist"))
        return response

    def save_model(
        self,
        request: HttpRequest,
        obj: Document,
        form: DocumentForm,
        change: bool,  # noqa: FBT001  (Django's signature)
    ) -> None:
        if change:
            self._change(request, obj, form)
            return
        added = [add_document(new, request.user) for new in form.new_documents()]  # type: ignore[arg-type]
        obj.pk, obj.title = added[0].pk, added[0].title
        if len(added) > 1:
            messages.info(request, f"{len(added)} documents were added and are being read.")

    def _change(self, request: HttpRequest, obj: Document, form: DocumentForm) -> None:
        document = Document.objects.get(pk=obj.pk)  # the form has written into `obj` already
        before = _number(document)
        content = form.new_content()
        update_document(document, form.changes(), content)
        if content is not None and _number(document) == before:
            messages.info(request, f"This is the same as version {before}, which stays.")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """Groups are the service's work too."""

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        say_receipt(request, delete_document(obj, by=person(request)))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        say_receipt(request, delete_documents(ids, Erasure(by=person(request))))

    def get_deleted_objects(
        self, objs: Sequence[Document] | QuerySet[Document], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """A document goes with all that was made of it; thousands of passages are not listed."""
        names = [f"{document.title}, with its versions and passages" for document in objs]
        return names, {"documents": len(names)}, set(), []

    # --- Actions on several ---

    @admin.action(description="Use in answers")
    def activate(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        self._each(request, queryset, lambda document: set_active(document, True))

    @admin.action(description="Take out of answers")
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        self._each(request, queryset, lambda document: set_active(document, False))

    @admin.action(description="Let everyone read it")
    def open_to_all(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        self._each(request, queryset, lambda document: set_groups(document, ()))

    @admin.action(description="Process again")
    def process_again(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        say(request, queryset, reprocess_many(queryset.values_list("pk", flat=True)))

    @admin.action(description="Cancel processing")
    def cancel_processing(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        say(request, queryset, cancel_many(queryset.values_list("pk", flat=True)))

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Document],
        order: Callable[[Document], object],
    ) -> None:
        done = 0
        for document in queryset:
            try:
                order(document)
            except AppError as error:
                messages.warning(request, f"{document.title}: {error.detail}")
            else:
                done += 1
        if done:
            messages.success(request, f"{done} document{'s' if done != 1 else ''} changed.")


def _newest(document: Document) -> DocumentVersion:
    newest: DocumentVersion = document.newest_versions[0]  # type: ignore[attr-defined]
    return newest


def _number(document: Document) -> int:
    return document.versions.values_list("number", flat=True).order_by("-number")[0]


def _kind(version: DocumentVersion) -> str:
    return MediaType(version.media_type).name.title() if version.media_type else ""
