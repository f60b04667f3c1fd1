"""The pages of knowledge, and its calls."""

from django.urls import include, path

from knowledge import views

app_name = "knowledge"

urlpatterns = [
    path("sources/<int:document_id>/v<int:number>/", views.source, name="source"),
    path("sources/<int:document_id>/v<int:number>/original/", views.original, name="original"),
    path("api/knowledge/", include("knowledge.api.urls")),
]
