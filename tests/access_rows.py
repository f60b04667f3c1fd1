"""The table of `test_access_matrix`: (method, route) -> what each role gets.

The columns are the roles: nobody, a visitor, alice (whose things they are), a stranger, staff
who is in none of alice's groups, and someone whose account was deactivated.
"""

from dataclasses import dataclass
from typing import Any

ROLES = ("nobody", "visitor", "owner", "stranger", "staff", "gone")
# Django's and django-unfold's own pages; their doors are tested in tests/knowledge and tests/users.
UNLISTED = ("admin/",)
REDIRECTS = frozenset({"favicon.ico"})  # Django's own view, for every method
ANSWERS_START = {
    ("POST", "api/chat/send/"),
    ("POST", "api/chat/stream/"),
    ("GET", "api/chat/messages/<uuid:message_id>/stream/"),
    ("POST", "ask/"),
    ("POST", "c/<uuid:session_id>/retry/"),
    ("POST", "c/<uuid:session_id>/edit/<uuid:message_id>/"),
    ("POST", "api/chat/messages/<uuid:message_id>/regenerate/"),
    ("POST", "api/chat/messages/<uuid:message_id>/edit/"),
}


@dataclass(frozen=True)
class Row:
    statuses: tuple[int, int, int, int, int, int]
    body: Any = None


def everyone(status: int, body: Any = None) -> Row:
    return Row((status,) * 6, body)


def only_owner(status: int, body: Any = None, *, nobody: int = 401) -> Row:
    """404 for whoever is not the owner; who is nobody is told to sign in, or sees 404."""
    return Row((nobody, 404, status, 404, 404, nobody), body)


def signed_in(status: int, body: Any = None, *, nobody: int = 401) -> Row:
    return Row((nobody, status, status, status, status, nobody), body)


def only_staff(status: int, body: Any = None) -> Row:
    return Row((401, 403, 403, 403, status, 401), body)


# What a socket says to each role that opens it with its token and asks for alice's answer: the code
# of the error, "" for none. One row for each address of settings.SOCKETS.
SOCKETS = {
    "ws/chat/": (
        "not_authenticated", "not_found", "", "not_found", "not_found", "token_not_valid",
    ),
}  # fmt: skip

SIGNS_UP = {
    "username": "dora",
    "email": "dora@example.org",
    "password": "a long enough phrase 8",
    "password2": "a long enough phrase 8",
}
ASKS = {"message": "Where is the key?"}
ITS_MESSAGE = {"message_id": "<message_id>"}  # the id that the stage has

ROWS: dict[tuple[str, str], Row] = {
    # The rest
    ("GET", "health/"): everyone(200),
    ("GET", "health"): everyone(200),
    ("GET", "health/ready/"): everyone(200),
    # For staff and for callers on this machine, as these are; tests/core/test_stream_check.py.
    ("GET", "health/stream/"): everyone(200),
    ("GET", "health/stream/events/"): everyone(200),
    # For callers on this machine, as these are: tests/knowledge/test_metrics.py.
    ("GET", "metrics"): everyone(200),
    ("GET", "api/schema/"): everyone(200),
    ("GET", "api/docs/"): everyone(200),
    ("GET", "swagger/"): everyone(200),
    ("GET", "robots.txt"): everyone(200),
    ("GET", "favicon.ico"): everyone(302),
    # People, by API
    ("POST", "api/users/signup/"): everyone(201, SIGNS_UP),
    ("POST", "api/users/login/"): everyone(401, {"email": "no@example.org", "password": "x"}),
    ("POST", "api/users/token/refresh/"): everyone(401, {"refresh": "no-such-token"}),
    ("POST", "api/users/logout/"): everyone(401, {"refresh": "no-such-token"}),
    ("POST", "api/users/anonymous/"): everyone(201),
    ("POST", "api/users/convert-anonymous/"): Row((401, 200, 409, 409, 409, 401), SIGNS_UP),
    ("GET", "api/users/profile/"): signed_in(200),
    ("PATCH", "api/users/profile/"): signed_in(200, {"first_name": "Dora"}),
    ("DELETE", "api/users/profile/"): Row((401, 204, 400, 400, 400, 401), {"password": "wrong"}),
    ("GET", "api/users/me/"): signed_in(200),
    ("POST", "api/users/change-password/"): Row(
        (401, 400, 400, 400, 400, 401), {"old_password": "wrong", "new_password": "another 9 words"}
    ),
    ("POST", "api/users/verify-email/"): everyone(400, {"key": "no-such-key"}),
    ("POST", "api/users/verify-email/resend/"): Row((401, 403, 202, 202, 202, 401)),
    ("POST", "api/users/password-reset/"): everyone(202, {"email": "no@example.org"}),
    ("POST", "api/users/password-reset/confirm/"): everyone(
        400, {"uid": "MQ", "token": "no-such-token", "new_password": "another 9 words"}
    ),
    ("GET", "api/users/export/"): signed_in(200),
    ("POST", "api/users/export/"): Row((401, 403, 202, 202, 202, 401)),
    # Knowledge, by API
    ("GET", "api/knowledge/documents/"): only_staff(200),
    ("POST", "api/knowledge/documents/"): only_staff(
        201, {"title": "New", "content": "New words."}
    ),
    ("GET", "api/knowledge/documents/<int:pk>/"): only_staff(200),
    ("PATCH", "api/knowledge/documents/<int:pk>/"): only_staff(200, {"title": "Renamed"}),
    ("DELETE", "api/knowledge/documents/<int:pk>/"): only_staff(204),
    ("POST", "api/knowledge/documents/<int:pk>/reprocess/"): only_staff(202),
    ("POST", "api/knowledge/documents/<int:pk>/cancel/"): only_staff(409),
    ("GET", "api/knowledge/documents/<int:pk>/versions/"): only_staff(200),
    ("GET", "api/knowledge/documents/<int:pk>/chunks/"): only_staff(200),
    ("POST", "api/knowledge/search/"): signed_in(200, {"query": "key"}),
    ("GET", "api/knowledge/stats/"): only_staff(200),
    ("GET", "api/knowledge/index/"): only_staff(200),
    ("POST", "api/knowledge/index/rebuild/"): only_staff(202),
    ("POST", "api/knowledge/index/<int:pk>/activate/"): only_staff(200, {}),
    # Chat, by API
    ("POST", "api/chat/send/"): signed_in(200, ASKS),
    ("POST", "api/chat/stream/"): signed_in(200, ASKS),
    ("GET", "api/chat/history/"): signed_in(200),
    ("GET", "api/chat/sessions/"): signed_in(200),
    ("POST", "api/chat/sessions/"): signed_in(201, {}),
    ("GET", "api/chat/sessions/<uuid:session_id>/"): only_owner(200),
    ("PATCH", "api/chat/sessions/<uuid:session_id>/"): only_owner(200, {"title": "Mine"}),
    ("DELETE", "api/chat/sessions/<uuid:session_id>/"): only_owner(204),
    ("GET", "api/chat/sessions/<uuid:session_id>/messages/"): only_owner(200),
    ("GET", "api/chat/sessions/<uuid:session_id>/memory/"): only_owner(200),
    ("DELETE", "api/chat/sessions/<uuid:session_id>/memory/"): only_owner(204),
    ("POST", "api/chat/messages/<uuid:message_id>/feedback/"): only_owner(200, {"rating": 1}),
    ("POST", "api/chat/messages/<uuid:message_id>/stop/"): only_owner(202),
    ("GET", "api/chat/messages/<uuid:message_id>/stream/"): only_owner(200),
    ("POST", "api/chat/messages/<uuid:message_id>/regenerate/"): only_owner(202, {}),
    ("POST", "api/chat/messages/<uuid:message_id>/edit/"): only_owner(202, ASKS),
    ("POST", "api/chat/messages/<uuid:message_id>/choose/"): only_owner(200),
    ("GET", "api/chat/models/"): signed_in(200),
    # Pages
    ("GET", ""): everyone(200),
    ("POST", "ask/"): everyone(302, ASKS),
    ("GET", "c/<uuid:session_id>/"): only_owner(200, nobody=404),
    ("GET", "c/<uuid:session_id>/rename/"): only_owner(200, nobody=404),
    ("POST", "c/<uuid:session_id>/rename/"): only_owner(302, {"title": "Mine"}, nobody=404),
    ("GET", "c/<uuid:session_id>/memory/"): only_owner(200, nobody=404),
    ("POST", "c/<uuid:session_id>/memory/"): only_owner(302, {}, nobody=404),
    ("GET", "c/<uuid:session_id>/delete/"): only_owner(200, nobody=404),
    ("POST", "c/<uuid:session_id>/delete/"): only_owner(302, {}, nobody=404),
    ("POST", "c/<uuid:session_id>/restore/"): only_owner(302, {}, nobody=404),
    ("POST", "c/<uuid:session_id>/stop/"): only_owner(302, ITS_MESSAGE, nobody=404),
    ("POST", "c/<uuid:session_id>/retry/"): only_owner(302, ITS_MESSAGE, nobody=404),
    ("POST", "c/<uuid:session_id>/choose/"): only_owner(302, ITS_MESSAGE, nobody=404),
    ("GET", "c/<uuid:session_id>/edit/<uuid:message_id>/"): only_owner(200, nobody=404),
    ("POST", "c/<uuid:session_id>/edit/<uuid:message_id>/"): only_owner(302, ASKS, nobody=404),
    ("GET", "c/<uuid:session_id>/turn/<uuid:message_id>/"): only_owner(200, nobody=404),
    ("GET", "m/<uuid:message_id>/"): only_owner(302, nobody=404),
    ("POST", "m/<uuid:message_id>/feedback/"): only_owner(302, {"rating": "1"}, nobody=404),
    ("GET", "m/<uuid:message_id>/said/<int:number>/"): only_owner(200, nobody=404),
    ("GET", "history/"): everyone(200),
    ("GET", "search/"): everyone(200),
    ("GET", "sources/<int:document_id>/v<int:number>/"): only_owner(200, nobody=404),
    ("GET", "sources/<int:document_id>/v<int:number>/original/"): only_owner(200, nobody=404),
    ("GET", "accounts/login/"): Row((200, 200, 302, 302, 302, 200)),
    ("POST", "accounts/logout/"): everyone(302, {}),
    ("GET", "accounts/signup/"): Row((200, 200, 302, 302, 302, 200)),
    ("GET", "accounts/convert/"): Row((302, 200, 302, 302, 302, 302)),
    ("GET", "accounts/settings/"): Row((302, 200, 200, 200, 200, 302)),
    ("POST", "accounts/verify/resend/"): Row((302, 302, 302, 302, 302, 302), {}),
    ("GET", "accounts/verify/<str:key>/"): everyone(200),
    ("GET", "accounts/password/"): Row((302, 302, 200, 200, 200, 302)),
    ("GET", "accounts/password-reset/"): everyone(200),
    ("GET", "accounts/password-reset/sent/"): everyone(200),
    ("GET", "accounts/password-reset/<str:uid>/<str:token>/"): everyone(400),
    ("GET", "accounts/export/"): Row((302, 200, 200, 200, 200, 302)),
    ("GET", "accounts/export/<str:token>/"): Row((302, 404, 404, 404, 404, 302)),
    ("GET", "accounts/delete/"): Row((302, 200, 200, 200, 200, 302)),
}
