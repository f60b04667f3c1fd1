"""Logging in, refreshing, logging out."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from users import services, tokens
from users.api import schema, serializers
from users.api.views.answers import OpenView, session_body


class LogInView(OpenView):
    @extend_schema(
        summary="Sign in",
        request=serializers.LogInSerializer,
        responses={
            200: serializers.LogInAnswerSerializer,
            400: schema.INVALID,
            401: schema.BAD_TOKEN,
            429: schema.THROTTLED,
        },
    )
    def post(self, request: Request) -> Response:
        body = serializers.LogInSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.check_credentials(
            request._request,  # noqa: SLF001  (backends take Django's request)
            body.validated_data["email"],
            body.validated_data["password"],
        )
        return Response(session_body(user))


class RefreshView(OpenView):
    @extend_schema(
        summary="Get a new pair of tokens; the old refresh token is used up",
        description="Of several calls with one token, one wins. The others get 401 with code "
        "`refresh_raced` and should use the newest token. A used token that comes back later ends "
        "the whole log-in.",
        request=serializers.RefreshSerializer,
        responses={
            200: serializers.TokenPairSerializer,
            400: schema.INVALID,
            401: schema.BAD_TOKEN,
        },
    )
    def post(self, request: Request) -> Response:
        return Response(tokens.rotate(_refresh_of(request)))


class LogOutView(OpenView):
    @extend_schema(
        summary="Sign out: end this log-in's tokens",
        request=serializers.RefreshSerializer,
        responses={204: schema.NOTHING, 400: schema.INVALID, 401: schema.BAD_TOKEN},
    )
    def post(self, request: Request) -> Response:
        tokens.revoke(_refresh_of(request))
        return Response(status=204)


def _refresh_of(request: Request) -> str:
    body = serializers.RefreshSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    return str(body.validated_data["refresh"])
