"""The knowledge calls."""

from django.urls import path

from knowledge.api import documents, index, searching

app_name = "knowledge-api"

urlpatterns = [
    path("documents/", documents.DocumentsView.as_view(), name="documents"),
    path("documents/<int:pk>/", documents.DocumentView.as_view(), name="document"),
    path("documents/<int:pk>/reprocess/", documents.ReprocessView.as_view(), name="reprocess"),
    path("documents/<int:pk>/cancel/", documents.CancelView.as_view(), name="cancel"),
    path("documents/<int:pk>/versions/", documents.VersionsView.as_view(), name="versions"),
    path("documents/<int:pk>/chunks/", documents.ChunksView.as_view(), name="chunks"),
    path("search/", searching.SearchView.as_view(), name="search"),
    path("stats/", index.StatsView.as_view(), name="stats"),
    path("index/", index.BuildsView.as_view(), name="builds"),
    path("index/rebuild/", index.RebuildView.as_view(), name="rebuild"),
    path("index/<int:pk>/activate/", index.ActivateView.as_view(), name="activate"),
]
