"""Addresses below ``/api/chat/``."""

from django.urls import path

from chat.api import asking, conversations, memory, versions

app_name = "chat-api"
urlpatterns = [
    path("send/", asking.SendView.as_view(), name="send"),
    path("stream/", asking.StreamView.as_view(), name="stream"),
    path("history/", conversations.HistoryView.as_view(), name="history"),
    path("sessions/", conversations.SessionsView.as_view(), name="sessions"),
    path("sessions/<uuid:session_id>/", conversations.SessionView.as_view(), name="session"),
    path(
        "sessions/<uuid:session_id>/messages/",
        conversations.MessagesView.as_view(),
        name="messages",
    ),
    path("sessions/<uuid:session_id>/memory/", memory.MemoryView.as_view(), name="memory"),
    path(
        "messages/<uuid:message_id>/feedback/",
        conversations.FeedbackView.as_view(),
        name="feedback",
    ),
    path("messages/<uuid:message_id>/stop/", asking.StopView.as_view(), name="stop"),
    path("messages/<uuid:message_id>/stream/", asking.JoinView.as_view(), name="message-stream"),
    path(
        "messages/<uuid:message_id>/regenerate/",
        versions.RegenerateView.as_view(),
        name="regenerate",
    ),
    path("messages/<uuid:message_id>/edit/", versions.EditView.as_view(), name="edit"),
    path("messages/<uuid:message_id>/choose/", versions.ChooseView.as_view(), name="choose"),
    path("models/", conversations.ModelsView.as_view(), name="models"),
]
