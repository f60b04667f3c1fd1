"""The index by API: what is there, build it again, go back."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import NotFound
from knowledge import catalogue
from knowledge.api.serializers import IndexBuildSerializer, RebuildSerializer, StatsSerializer
from knowledge.models import IndexBuild
from knowledge.services import activate_build, request_rebuild


class StatsView(APIView):
    permission_classes = [IsAdminUser]

    @extend_schema(responses=StatsSerializer)
    def get(self, request: Request) -> Response:
        return Response(StatsSerializer(catalogue.stats()).data)


class BuildsView(ListAPIView[IndexBuild]):
    """Builds, newest first."""

    permission_classes = [IsAdminUser]
    serializer_class = IndexBuildSerializer
    queryset = IndexBuild.objects.all()

    def get_queryset(self) -> QuerySet[IndexBuild]:
        return IndexBuild.objects.order_by("-pk")


class RebuildView(APIView):
    permission_classes = [IsAdminUser]

    @extend_schema(request=None, responses={202: RebuildSerializer})
    def post(self, request: Request) -> Response:
        state: Any = request_rebuild()
        return Response(RebuildSerializer(state).data, status=status.HTTP_202_ACCEPTED)


class ActivateView(APIView):
    permission_classes = [IsAdminUser]

    @extend_schema(request=None, responses=IndexBuildSerializer)
    def post(self, request: Request, pk: int) -> Response:
        build = IndexBuild.objects.filter(pk=pk).first()
        if build is None:
            raise NotFound
        return Response(IndexBuildSerializer(activate_build(build)).data)
