"""Errors that a caller may see: a code, an HTTP status and a sentence that gives nothing away.

    AppError
    ├── Invalid             400  invalid
    ├── NotAuthenticated    401  not_authenticated | token_not_valid | refresh_raced
    ├── PermissionDenied    403  permission_denied
    ├── NotFound            404  not_found
    ├── Conflict            409  conflict
    ├── TooLarge            413  too_large
    ├── UnsupportedType     415  unsupported_type
    ├── Throttled           429  throttled
    └── Unavailable         503  retrieval_unavailable | generation_failed | model_timeout

Services raise them; ``core.api`` and the page views turn them into answers. An error that carries
``fields`` is a validation error and answers in DRF's shape, ``{"field": ["sentence"]}``.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Code(StrEnum):
    """The closed list of ``code`` in the API; the schema lists it."""

    INVALID = "invalid"
    NOT_AUTHENTICATED = "not_authenticated"
    TOKEN_NOT_VALID = "token_not_valid"  # noqa: S105
    REFRESH_RACED = "refresh_raced"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    UNSUPPORTED_TYPE = "unsupported_type"
    THROTTLED = "throttled"
    BUDGET_EXHAUSTED = "budget_exhausted"
    MFA_REQUIRED = "mfa_required"
    GATE_FAILED = "gate_failed"
    RETRIEVAL_UNAVAILABLE = "retrieval_unavailable"
    GENERATION_FAILED = "generation_failed"
    MODEL_TIMEOUT = "model_timeout"
    PERSONAL_DATA = "personal_data"
    MESSAGE_REFUSED = "message_refused"
    MODERATED = "moderated"


class AppError(Exception):
    """An error with a status and a sentence for the caller."""

    status = 500
    code = Code.INVALID
    detail = "Something went wrong."

    def __init__(
        self,
        detail: str = "",
        *,
        code: Code | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.detail = detail or self.detail
        self.code = code or self.code
        self.fields = {name: list(sentences) for name, sentences in (fields or {}).items()}
        super().__init__(self.detail)


class Invalid(AppError):
    status, code, detail = 400, Code.INVALID, "The request is not valid."


class NotAuthenticated(AppError):
    status, code, detail = 401, Code.NOT_AUTHENTICATED, "Sign in first."


class PermissionDenied(AppError):
    status, code, detail = 403, Code.PERMISSION_DENIED, "You may not do this."


class NotFound(AppError):
    status, code, detail = 404, Code.NOT_FOUND, "Not found."


class Conflict(AppError):
    status, code, detail = 409, Code.CONFLICT, "This does not fit what is there already."


class TooLarge(AppError):
    status, code, detail = 413, Code.TOO_LARGE, "This is too large."


class UnsupportedType(AppError):
    status, code, detail = 415, Code.UNSUPPORTED_TYPE, "This type is not supported."


class Throttled(AppError):
    status, code, detail = 429, Code.THROTTLED, "Too many requests."

    def __init__(self, wait_seconds: int, detail: str = "") -> None:
        super().__init__(detail or f"Too many requests. Carry on in {wait_seconds} seconds.")
        self.wait_seconds = wait_seconds


class Unavailable(AppError):
    status, code, detail = 503, Code.RETRIEVAL_UNAVAILABLE, "This part is not available now."
