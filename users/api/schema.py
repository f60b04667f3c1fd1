"""How this app's calls show in the OpenAPI schema: tokens, and the shapes of errors."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from core.errors import Code


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "users.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class PageScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "users.authentication.PageAuthentication"
    name = "page"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error that is not about one field."""

    detail = serializers.CharField()
    code = serializers.ChoiceField(choices=[code.value for code in Code])


INVALID = OpenApiResponse(
    {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    description="Sentences by field; `non_field_errors` where they belong to none.",
)
BAD_TOKEN = OpenApiResponse(ErrorSerializer, description="No token, or not a valid one.")
THROTTLED = OpenApiResponse(ErrorSerializer, description="`Retry-After` says for how many seconds.")
FORBIDDEN = OpenApiResponse(ErrorSerializer, description="Not for this caller.")
CONFLICT = OpenApiResponse(ErrorSerializer, description="It has happened already.")
NOTHING = OpenApiResponse(description="Done.")
ACCEPTED = OpenApiResponse(description="It happens in the background.")
EXPORT = OpenApiResponse(
    {"type": "object", "properties": {"user": {"type": "object"}}},
    description="A section for each part of the product that holds something of the caller.",
)
