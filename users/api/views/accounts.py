"""Signing up, visitors, confirming the address."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from users import services
from users.api import schema, serializers
from users.api.views.answers import OpenView, caller, keep_page_session, session_body
from users.ratelimits import limit_mail, limit_signup


class SignUpView(OpenView):
    @extend_schema(
        summary="Sign up",
        request=serializers.SignUpSerializer,
        responses={
            201: serializers.LogInAnswerSerializer,
            400: schema.INVALID,
            429: schema.THROTTLED,
        },
    )
    def post(self, request: Request) -> Response:
        limit_signup(request)
        body = serializers.SignUpSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(session_body(services.sign_up(body.new_account())), status=201)


class VisitorView(OpenView):
    @extend_schema(
        summary="Begin as a visitor",
        request=None,
        responses={201: serializers.LogInAnswerSerializer, 429: schema.THROTTLED},
    )
    def post(self, request: Request) -> Response:
        limit_signup(request)
        return Response(session_body(services.make_visitor()), status=201)


class ConvertView(APIView):
    @extend_schema(
        summary="Sign up as a visitor and keep every chat",
        request=serializers.SignUpSerializer,
        responses={
            200: serializers.LogInAnswerSerializer,
            400: schema.INVALID,
            401: schema.BAD_TOKEN,
            409: schema.CONFLICT,
            429: schema.THROTTLED,
        },
    )
    def post(self, request: Request) -> Response:
        limit_signup(request)
        body = serializers.SignUpSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.convert_visitor(caller(request), body.new_account())
        keep_page_session(request, user)
        return Response(session_body(user))


class VerifyView(OpenView):
    @extend_schema(
        summary="Confirm the e-mail address",
        request=serializers.VerifySerializer,
        responses={200: serializers.DetailSerializer, 400: schema.INVALID},
    )
    def post(self, request: Request) -> Response:
        body = serializers.VerifySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.verify_email(body.validated_data["key"])
        return Response({"detail": "The e-mail address is confirmed."})


class ResendView(APIView):
    @extend_schema(
        summary="Mail the confirmation link again",
        request=None,
        responses={
            202: schema.ACCEPTED,
            401: schema.BAD_TOKEN,
            403: schema.FORBIDDEN,
            429: schema.THROTTLED,
        },
    )
    def post(self, request: Request) -> Response:
        user = caller(request)
        limit_mail(request, user.identifier)
        services.resend_verification(user)
        return Response(status=202)
