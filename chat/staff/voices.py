"""Name, tone and instructions of the assistant: each save is a version, one click goes back."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from chat.generation.voice import Voice
from chat.models import Voice as VoiceRow
from chat.runtime import runtime
from chat.services import clean_text
from chat.trying import Trial, try_voice
from chat.voices import active_voice, save_voice, use_voice, voice_of
from core.staff import is_staff

_LIST = "admin:chat_voice_changelist"
TRIAL_SECONDS = 90  # a web request of staff waits no longer


class TrialForm(forms.Form):
    """Words that may become a version, and a question to try them on."""

    question = forms.CharField(max_length=5000, widget=UnfoldAdminTextInputWidget())
    name = forms.CharField(required=False, max_length=60, widget=UnfoldAdminTextInputWidget())
    tone = forms.CharField(required=False, max_length=200, widget=UnfoldAdminTextInputWidget())
    instructions = forms.CharField(
        required=False, max_length=2000, widget=UnfoldAdminTextareaWidget()
    )

    def clean_question(self) -> str:
        question = clean_text(self.cleaned_data["question"])
        if not question:
            raise forms.ValidationError("Ask something.")
        return question

    def voice(self) -> Voice:
        said = self.cleaned_data
        return Voice(said["name"], said["tone"], said["instructions"])


@admin.register(VoiceRow)
class VoiceAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Versions are added and chosen, never changed: an answer can be traced to its own."""

    list_display = ("__str__", "name", "tone", "author", "created_at", "state")
    list_select_related = ("author",)
    list_before_template = "chat/admin/_voices.html"
    fields = ("name", "tone", "instructions")

    @display(description="In use")  # type: ignore[untyped-decorator]
    def state(self, voice: VoiceRow) -> SafeString:
        return render_to_string("chat/admin/_use.html", {"voice": voice})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new version begins with the words of the one in use."""
        voice = active_voice()
        return {"name": voice.name, "tone": voice.tone, "instructions": voice.instructions}

    def save_model(self, request: HttpRequest, obj: VoiceRow, form: Any, change: bool) -> None:  # noqa: FBT001  (Django's)
        saved = save_voice(voice_of(obj), request.user)
        obj.pk = saved.pk

    def get_urls(self) -> list[URLPattern]:
        use, trial = self.admin_site.admin_view(self.use), self.admin_site.admin_view(self.trial)
        return [
            path("<int:version>/use/", use, name="chat_voice_use"),
            path("try/", trial, name="chat_voice_try"),
            *super().get_urls(),
        ]

    def trial(self, request: HttpRequest) -> HttpResponse:
        """A question answered with words that are not in use yet."""
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        form = TrialForm(request.POST or None, initial=self.get_changeform_initial_data(request))
        tried: Trial | None = None
        problem = ""
        if request.method == "POST" and form.is_valid():
            work = try_voice(runtime(), request.user, form.cleaned_data["question"], form.voice())
            running = runtime().call(work)
            try:
                tried = running.result(TRIAL_SECONDS)
            except TimeoutError:
                running.cancel()
                problem = "The model took too long. Try again, or look at the readiness check."
        context = {
            **self.admin_site.each_context(request),
            "title": "Try other words",
            "form": form,
            "tried": tried,
            "problem": problem,
        }
        status = 400 if form.errors else 200
        return render(request, "chat/admin/try.html", context, status=status)

    def use(self, request: HttpRequest, version: int) -> HttpResponse:
        """The one click."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        if use_voice(version):
            messages.success(request, f"Answers are written with version {version} from now on.")
        else:
            messages.error(request, "There is no such version.")
        return redirect(_LIST)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
