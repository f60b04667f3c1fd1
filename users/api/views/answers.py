"""What several of the calls share."""

from typing import Any, cast

from django.contrib.auth import update_session_auth_hash
from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from users.api.serializers import UserSerializer
from users.authentication import PageAuthentication
from users.models import User
from users.tokens import issue_tokens


class OpenView(APIView):
    """A call that brings its own credentials: a stale token in the header does not matter."""

    authentication_classes = []
    permission_classes = [AllowAny]


def caller(request: Request) -> User:
    """The authenticated user of a call that lets nobody else in."""
    return cast("User", request.user)


def session_body(user: User) -> dict[str, Any]:
    """``{"user", "access", "refresh"}`` of a log-in that happens now."""
    now = timezone.now()
    User.objects.filter(pk=user.pk).update(last_login=now, last_seen_at=now)
    user.last_login = now
    return {"user": UserSerializer(user).data, **issue_tokens(user)}


def keep_page_session(request: Request, user: User) -> None:
    """A page's script that changed the password stays signed in, with a new session key."""
    if isinstance(request.successful_authenticator, PageAuthentication):
        update_session_auth_hash(request._request, user)  # noqa: SLF001  (DRF has no other name for it)
