"""Search by API: for every caller with a token, within what they may see."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.throttles import NamedThrottle
from knowledge.api.reading import body_of
from knowledge.api.serializers import SearchRequestSerializer, SearchResponseSerializer
from knowledge.passages import Filters, Passage
from knowledge.search import search


class SearchView(APIView):
    throttle_classes = [NamedThrottle]
    rate_name = "search"

    @extend_schema(request=SearchRequestSerializer, responses=SearchResponseSerializer)
    def post(self, request: Request) -> Response:
        form = SearchRequestSerializer(data=body_of(request))
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        result = search(
            asked["query"],
            user=request.user,
            limit=asked.get("top_k"),
            filters=_filters(asked),
            is_judged=False,  # nothing of it is shown here
        )
        body = {
            "results": [_source(n, passage) for n, passage in enumerate(result.passages, 1)],
            "took_ms": result.took_ms,
            "degraded": result.degraded,
        }
        return Response(SearchResponseSerializer(body).data)


def _filters(asked: dict[str, Any]) -> Filters:
    given = asked.get("filters", {})
    return Filters(
        document_type=asked.get("document_type") or given.get("document_type", ""),
        source=given.get("source", ""),
        document_ids=tuple(given.get("document_ids", ())),
    )


def _source(number: int, passage: Passage) -> dict[str, Any]:
    return {
        "number": number,
        "document_id": passage.document_id,
        "document_version": passage.document_version,
        "title": passage.title,
        "heading": passage.heading,
        "page": passage.page,
        "content": passage.text,
        "gone": None,
        "start": passage.start,
        "end": passage.end,
        "score": passage.score,
        "url": passage.url,
        "review_by": passage.review_by or None,
        "is_overdue": passage.is_overdue,
        "same_as": passage.same_as,
        "scores": vars(passage.scores),
    }
