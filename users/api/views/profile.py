"""One's own account: profile, deletion, export."""

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from users import exporting, services
from users.api import schema, serializers
from users.api.views.answers import caller
from users.downloads import download
from users.ratelimits import limit_export


class MeView(APIView):
    @extend_schema(
        summary="Who am I",
        responses={200: serializers.UserSerializer, 401: schema.BAD_TOKEN},
    )
    def get(self, request: Request) -> Response:
        return Response(serializers.UserSerializer(caller(request)).data)


class ProfileView(APIView):
    @extend_schema(
        summary="The profile",
        responses={200: serializers.UserSerializer, 401: schema.BAD_TOKEN},
    )
    def get(self, request: Request) -> Response:
        return Response(serializers.UserSerializer(caller(request)).data)

    @extend_schema(
        summary="Change names",
        request=serializers.ProfileSerializer,
        responses={
            200: serializers.UserSerializer,
            400: schema.INVALID,
            401: schema.BAD_TOKEN,
        },
    )
    def patch(self, request: Request) -> Response:
        body = serializers.ProfileSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.update_profile(caller(request), body.validated_data)
        return Response(serializers.UserSerializer(user).data)

    @extend_schema(
        summary="Delete the account and all that is its owner's",
        request=serializers.DeleteSerializer,
        responses={
            204: schema.NOTHING,
            400: schema.INVALID,
            401: schema.BAD_TOKEN,
            429: schema.THROTTLED,
        },
    )
    def delete(self, request: Request) -> Response:
        body = serializers.DeleteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.delete_account(caller(request), body.validated_data["password"])
        return Response(status=204)


class ExportView(APIView):
    @extend_schema(
        summary="Everything that is the caller's, as JSON",
        responses={200: schema.EXPORT, 401: schema.BAD_TOKEN, 429: schema.THROTTLED},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        limit_export(caller(request))
        file = exporting.spool(caller(request))
        return download(request._request, file, "footnote.json", "application/json")  # noqa: SLF001  (the kind of server shows in Django's request)

    @extend_schema(
        summary="Make a ZIP in the background and mail a link to it",
        request=None,
        responses={
            202: schema.ACCEPTED,
            401: schema.BAD_TOKEN,
            403: schema.FORBIDDEN,
            429: schema.THROTTLED,
        },
    )
    def post(self, request: Request) -> Response:
        limit_export(caller(request))
        services.request_export(caller(request))
        return Response(status=202)
