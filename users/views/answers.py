"""What several of the pages share."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from core.errors import AppError, Throttled
from users.models import User

T = TypeVar("T")
HOME = "/"


def reader(request: HttpRequest) -> User:
    """The user of a page that lets nobody else in."""
    return cast("User", request.user)


def is_member(request: HttpRequest) -> bool:
    return request.user.is_authenticated and not reader(request).is_visitor


def is_visitor(request: HttpRequest) -> bool:
    return request.user.is_authenticated and reader(request).is_visitor


def next_path(request: HttpRequest, otherwise: str = HOME) -> str:
    """Where ``next`` leads, if that is on this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_safe else otherwise


def attempt(
    form: forms.Form, work: Callable[[], T], fields: Mapping[str, str] | None = None
) -> T | None:
    """Do what a form asks; an error becomes the form's own and None is returned.

    Args:
        form: valid so far.
        work: calls a service.
        fields: names of the service's fields where they differ from the form's.
    """
    try:
        return work()
    except AppError as error:
        form.refused_by = error  # type: ignore[attr-defined]  # read by show_form
        for name, sentences in (error.fields or {"": [error.detail]}).items():
            known = (fields or {}).get(name, name)
            form.add_error(known if known in form.fields else None, sentences)
        return None


def show_form(
    request: HttpRequest, template: str, form: forms.Form, context: Mapping[str, Any] | None = None
) -> HttpResponse:
    """The page with its form; 200 when it is new, else the status of what went wrong."""
    error = getattr(form, "refused_by", None)
    status = error.status if error else (400 if form.errors else 200)
    if status == 401:
        status = 400  # 401 would need a challenge, and a browser would show its own dialogue
    response = render(request, template, {"form": form, **(context or {})}, status=status)
    if isinstance(error, Throttled):
        response["Retry-After"] = str(error.wait_seconds)
    return response
