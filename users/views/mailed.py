"""Pages that mailed links open, and those that ask for such a mail."""

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import Invalid
from users import services
from users.forms import ConfirmForm, ResetForm, ResetRequestForm
from users.ratelimits import limit_mail
from users.services.credentials import user_of_reset
from users.views.answers import attempt, reader, show_form


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest, key: str) -> HttpResponse:
    """A button that confirms the address: opening the link alone confirms nothing."""
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and attempt(form, partial(services.verify_email, key)) is not None:
        return render(request, "users/verified.html")
    return show_form(request, "users/verify.html", form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def resend(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    if user.is_visitor:
        return redirect("users:convert")
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        attempt(form, partial(_resend, request))
        if not form.errors:
            messages.success(request, f"A new link is on its way to {user.email}.")
            return redirect("users:settings")
    return show_form(request, "users/resend.html", form)


def _resend(request: HttpRequest) -> None:
    limit_mail(request, reader(request).identifier)
    services.resend_verification(reader(request))


@require_http_methods(["GET", "HEAD", "POST"])
def request_reset(request: HttpRequest) -> HttpResponse:
    """Ask for a link; the answer is the same for every address."""
    form = ResetRequestForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        attempt(form, partial(_request_reset, request, form.cleaned_data["email"]))
        if not form.errors:
            return redirect("users:password_reset_sent")
    return show_form(request, "users/password_reset.html", form)


def _request_reset(request: HttpRequest, email: str) -> None:
    limit_mail(request, email)
    services.request_password_reset(email)


@require_safe
def reset_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "users/password_reset_sent.html")


@sensitive_post_parameters("new_password")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_reset(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Set a new password by a mailed link; a link that is not good says so at once."""
    try:
        user_of_reset(uid, token)
    except Invalid:
        return render(request, "users/password_reset_bad.html", status=400)
    form = ResetForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        new = form.cleaned_data["new_password"]
        if attempt(form, partial(services.confirm_password_reset, uid, token, new)):
            messages.success(request, "Your new password is set. Sign in with it.")
            return redirect("users:login")
    return show_form(request, "users/password_reset_confirm.html", form)
