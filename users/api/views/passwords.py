"""Changing a password, and resetting a forgotten one."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from users import services
from users.api import schema, serializers
from users.api.views.answers import OpenView, caller, keep_page_session
from users.ratelimits import limit_mail


class ChangePasswordView(APIView):
    @extend_schema(
        summary="Change the password",
        description="The tokens of every other log-in are dead; the caller's own stay good.",
        request=serializers.ChangePasswordSerializer,
        responses={
            204: schema.NOTHING,
            400: schema.INVALID,
            401: schema.BAD_TOKEN,
            409: schema.CONFLICT,
            429: schema.THROTTLED,
        },
    )
    def post(self, request: Request) -> Response:
        body = serializers.ChangePasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = caller(request)
        services.change_password(
            user,
            body.validated_data["old_password"],
            body.validated_data["new_password"],
            keep=request.auth if isinstance(request.auth, UUID) else None,
        )
        keep_page_session(request, user)
        return Response(status=204)


class ResetRequestView(OpenView):
    @extend_schema(
        summary="Mail a link to set a new password",
        description="The answer is the same whether or not the address has an account.",
        request=serializers.AddressSerializer,
        responses={202: schema.ACCEPTED, 400: schema.INVALID, 429: schema.THROTTLED},
    )
    def post(self, request: Request) -> Response:
        body = serializers.AddressSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        email = body.validated_data["email"]
        limit_mail(request, email)
        services.request_password_reset(email)
        return Response(status=202)


class ResetConfirmView(OpenView):
    @extend_schema(
        summary="Set a new password by a mailed link",
        request=serializers.ResetSerializer,
        responses={204: schema.NOTHING, 400: schema.INVALID},
    )
    def post(self, request: Request) -> Response:
        body = serializers.ResetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.confirm_password_reset(**body.validated_data)
        return Response(status=204)
