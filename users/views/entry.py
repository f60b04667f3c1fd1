"""Signing in and out, signing up."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from users import services
from users.forms import LogInForm, NewAccountForm
from users.models import User
from users.ratelimits import limit_signup
from users.services.visitors import BACKEND
from users.views.answers import (
    attempt,
    is_member,
    is_visitor,
    next_path,
    reader,
    show_form,
)

SHOWN = 5  # conversations on the page that says what is kept
FORM_FIELDS = {"username": "name", "first_name": "name"}


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Sign in; a visitor is told first that this browser's chats do not come along."""
    if is_member(request):
        return redirect(next_path(request))
    form = LogInForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        cleaned = form.cleaned_data
        check = partial(services.check_credentials, request, cleaned["email"], cleaned["password"])
        if user := attempt(form, check):
            login(request, user, backend=BACKEND)
            if not cleaned["remember"]:
                request.session.set_expiry(0)  # until the browser is closed
            return redirect(next_path(request))
    context = {"next": next_path(request, ""), "left_behind": _left_behind(request)}
    return show_form(request, "users/login.html", form, context)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("/")


@sensitive_post_parameters("password", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Sign up; who is a visitor already converts, so that nothing said is lost."""
    if is_member(request):
        return redirect(next_path(request))
    if is_visitor(request):
        return _convert(request)
    form = NewAccountForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        user = attempt(form, partial(_sign_up, request, form), FORM_FIELDS)
        if user:
            login(request, user, backend=BACKEND)
            return redirect(next_path(request))
    return show_form(request, "users/signup.html", form, {"next": next_path(request, "")})


@sensitive_post_parameters("password", "password2")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def convert(request: HttpRequest) -> HttpResponse:
    """Show a visitor what will be kept, and keep it."""
    return redirect(next_path(request)) if is_member(request) else _convert(request)


def _convert(request: HttpRequest) -> HttpResponse:
    form = NewAccountForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        user = attempt(form, partial(_sign_up, request, form), FORM_FIELDS)
        if user:
            # login() would flush the session of what looks like another user.
            update_session_auth_hash(request, user)
            return redirect(next_path(request))
    context = {"next": next_path(request, ""), **_kept(reader(request))}
    return show_form(request, "users/convert.html", form, context)


def _sign_up(request: HttpRequest, form: NewAccountForm) -> User:
    limit_signup(request)
    if is_visitor(request):
        return services.convert_visitor(reader(request), form.new_account())
    return services.sign_up(form.new_account())


def _kept(visitor: User) -> dict[str, Any]:
    """The latest conversations, how many more there are, and the day when the first would go."""
    sessions = visitor.chat_sessions.filter(is_active=True)
    said = sessions.aggregate(count=Count("pk"), oldest=Min("last_activity"))
    latest = sessions.annotate(
        questions=Count("messages", filter=Q(messages__role="user"), distinct=True),
        sources=Count("messages__citations", distinct=True),
    ).order_by("-last_activity")[:SHOWN]
    keep = timedelta(days=settings.RETENTION_DAYS)
    return {
        "kept": latest,
        "kept_more": max(0, said["count"] - SHOWN),
        "kept_until": said["oldest"] + keep if said["oldest"] else None,
    }


def _left_behind(request: HttpRequest) -> int:
    """How many conversations of a visitor stay with the visitor when someone signs in."""
    return (
        reader(request).chat_sessions.filter(is_active=True).count() if is_visitor(request) else 0
    )
