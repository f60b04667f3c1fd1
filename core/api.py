"""What every API call shares: the shape of errors and of lists."""

from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions, status
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core.errors import AppError, Code, Throttled

_CODES: dict[int, Code] = {
    400: Code.INVALID,
    401: Code.NOT_AUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.INVALID,
    406: Code.INVALID,
    409: Code.CONFLICT,
    413: Code.TOO_LARGE,
    415: Code.UNSUPPORTED_TYPE,
    429: Code.THROTTLED,
}


class Pagination(PageNumberPagination):
    """``?page=&page_size=``: 20 by default, 100 at most."""

    page_size = 20
    max_page_size = 100
    page_size_query_param = "page_size"


class ShallowJSONParser(JSONParser):
    """JSON whose nesting the parser can follow; deeper is the caller's mistake, not ours."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise exceptions.ParseError("The JSON is nested too deeply.") from None


def error_body(error: AppError) -> dict[str, Any]:
    """The JSON body of an error: DRF's fields where it has some, else detail and code."""
    return dict(error.fields) if error.fields else {"detail": error.detail, "code": error.code}


def error_response(error: AppError) -> JsonResponse:
    """The answer of an error outside DRF (pages with script, ASGI wrappers)."""
    response = JsonResponse(error_body(error), status=error.status)
    if isinstance(error, Throttled):
        response["Retry-After"] = str(error.wait_seconds)
    return response


def answer_exception(raised: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every error as ``{"detail", "code"}`` or fields."""
    set_rollback()
    if isinstance(raised, AppError):
        headers = {}
        if isinstance(raised, Throttled):
            headers["Retry-After"] = str(raised.wait_seconds)
        if raised.status == status.HTTP_401_UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="api"'
        return Response(error_body(raised), status=raised.status, headers=headers)
    if isinstance(raised, Http404):
        raised = exceptions.NotFound()
    elif isinstance(raised, DjangoPermissionDenied):
        raised = exceptions.PermissionDenied()
    if not isinstance(raised, exceptions.APIException):
        return None
    return _answer_api_exception(raised)


def _answer_api_exception(raised: exceptions.APIException) -> Response:
    headers = {}
    if header := getattr(raised, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(raised, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(raised, exceptions.ValidationError):
        return Response(_fields(raised.detail), status=raised.status_code, headers=headers)
    code = _CODES.get(raised.status_code, Code.INVALID)
    if raised.status_code == status.HTTP_401_UNAUTHORIZED and _is_bad_token(raised):
        code = Code.TOKEN_NOT_VALID
    body = {"detail": _sentence(raised.detail), "code": code}
    return Response(body, status=raised.status_code, headers=headers)


def _is_bad_token(raised: exceptions.APIException) -> bool:
    return isinstance(raised, exceptions.AuthenticationFailed)


def _fields(detail: Any) -> Any:
    """A list of sentences without a field belongs to ``non_field_errors``."""
    return {"non_field_errors": detail} if isinstance(detail, list) else detail


def _sentence(detail: Any) -> str:
    if isinstance(detail, dict):
        return str(detail.get("detail", next(iter(detail.values()), "")))
    return str(detail[0] if isinstance(detail, list) and detail else detail)


def wants_json(request: HttpRequest) -> bool:
    """Whether a page was asked by script (``Accept: application/json``) and not by a form."""
    return "application/json" in request.headers.get("Accept", "")


def not_found_json(request: HttpRequest) -> HttpResponse:
    """404 in the API's shape for a path under ``/api/`` that no route has."""
    return JsonResponse({"detail": "Not found.", "code": Code.NOT_FOUND}, status=404)
