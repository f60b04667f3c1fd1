"""One's own account: settings, password, export, deletion."""

from functools import partial

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import NotFound
from users import services
from users.downloads import download
from users.forms import ChangePasswordForm, ConfirmForm, DeleteForm, ProfileForm
from users.models import DataExport
from users.ratelimits import limit_export
from users.views.answers import attempt, reader, show_form


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    """The profile's form; password, export and deletion have pages of their own."""
    user = reader(request)
    name = f"{user.first_name} {user.last_name}".strip()
    form = ProfileForm(request.POST if request.method == "POST" else None, initial={"name": name})
    if form.is_valid():
        changes = {"first_name": form.cleaned_data["name"], "last_name": ""}
        if form.has_changed():
            attempt(form, partial(services.update_profile, user, changes))
        if not form.errors:
            messages.success(request, "Your profile is saved.")
            return redirect("users:settings")
    context = {
        "password_form": ChangePasswordForm(),
        "conversations": user.chat_sessions.filter(is_active=True).count(),
    }
    return show_form(request, "users/settings.html", form, context)


@sensitive_post_parameters("old_password", "new_password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    if user.is_visitor:
        return redirect("users:convert")
    form = ChangePasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        old, new = form.cleaned_data["old_password"], form.cleaned_data["new_password"]
        attempt(form, partial(services.change_password, user, old, new))
        if not form.errors:
            update_session_auth_hash(request, user)
            messages.success(request, "Your password is changed. You are signed out elsewhere.")
            return redirect("users:settings")
    return show_form(request, "users/password_change.html", form)


@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    """Delete the account after its password was typed."""
    user = reader(request)
    data = request.POST if request.method == "POST" else None
    form = DeleteForm(data, is_visitor=user.is_visitor)
    if form.is_valid():
        password = form.cleaned_data.get("password", "")
        attempt(form, partial(services.delete_account, user, password))
        if not form.errors:
            logout(request)
            return render(request, "users/deleted.html")
    count = user.chat_sessions.filter(is_active=True).count()
    return show_form(request, "users/delete.html", form, {"conversations": count})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponse:
    """Order a ZIP, see how far it is, fetch it."""
    user = reader(request)
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        attempt(form, partial(_order_export, request))
        if not form.errors:
            return redirect("users:export")
    latest = DataExport.objects.filter(user=user).order_by("-created_at").first()
    return show_form(request, "users/export.html", form, {"latest": latest})


def _order_export(request: HttpRequest) -> DataExport:
    limit_export(reader(request))
    return services.request_export(reader(request))


@login_required
@require_safe
def export_file(request: HttpRequest, token: str) -> StreamingHttpResponse:
    """The finished ZIP, for its owner alone."""
    try:
        file = services.open_export(reader(request), token)
    except NotFound as error:
        raise Http404 from error
    return download(request, file, "footnote.zip", "application/zip")
