"""The chat's pages and its API."""

from django.urls import include, path

from chat import views

app_name = "chat"
urlpatterns = [
    path("", views.home, name="home"),
    path("ask/", views.ask, name="ask"),
    path("c/<uuid:session_id>/", views.session, name="session"),
    path("c/<uuid:session_id>/rename/", views.rename, name="rename"),
    path("c/<uuid:session_id>/memory/", views.memory, name="memory"),
    path("c/<uuid:session_id>/delete/", views.delete, name="delete"),
    path("c/<uuid:session_id>/restore/", views.restore, name="restore"),
    path("c/<uuid:session_id>/stop/", views.stop, name="stop"),
    path("c/<uuid:session_id>/retry/", views.retry, name="retry"),
    path("c/<uuid:session_id>/choose/", views.choose, name="choose"),
    path("c/<uuid:session_id>/edit/<uuid:message_id>/", views.edit, name="edit"),
    path("c/<uuid:session_id>/turn/<uuid:message_id>/", views.turn, name="turn"),
    path("m/<uuid:message_id>/", views.message, name="message"),
    path("m/<uuid:message_id>/feedback/", views.feedback, name="feedback"),
    path("m/<uuid:message_id>/said/<int:number>/", views.said, name="said"),
    path("history/", views.history, name="history"),
    path("search/", views.search, name="search"),
    path("api/chat/", include("chat.api.urls")),
]
