"""The index by API: what is there, build it again, go back."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import NotFound
from knowledge import catalogue
from knowledge.api.serializers import (
    ActivatedSerializer,
    ActivateSerializer,
    IndexBuildSerializer,
    RebuildSerializer,
    StatsSerializer,
)
from knowledge.api.staff import StaffView
from knowledge.models import IndexBuild
from knowledge.services import activate_build, override_gate, request_rebuild
from users.models import User


class StatsView(StaffView):
    @extend_schema(responses=StatsSerializer)
    def get(self, request: Request) -> Response:
        return Response(StatsSerializer(catalogue.stats()).data)


class BuildsView(StaffView, ListAPIView[IndexBuild]):
    """Builds, newest first."""

    serializer_class = IndexBuildSerializer
    queryset = IndexBuild.objects.all()

    def get_queryset(self) -> QuerySet[IndexBuild]:
        return IndexBuild.objects.select_related("configuration").order_by("-pk")


class RebuildView(StaffView):
    @extend_schema(request=None, responses={202: RebuildSerializer})
    def post(self, request: Request) -> Response:
        state: Any = request_rebuild()
        return Response(RebuildSerializer(state).data, status=status.HTTP_202_ACCEPTED)


class ActivateView(StaffView):
    """Go back to a kept build; with a reason, let one in that the quality gate refused."""

    @extend_schema(request=ActivateSerializer, responses=ActivatedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        build = IndexBuild.objects.filter(pk=pk).first()
        if build is None:
            raise NotFound
        body = ActivateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data.get("reason", "")
        if reason and build.state == IndexBuild.State.REFUSED:
            build = override_gate(build, cast("User", request.user), reason)
        else:
            build = activate_build(build)
        return Response(ActivatedSerializer(build).data)
