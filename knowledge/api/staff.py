"""Who may manage knowledge by API, and how often."""

from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from core.throttles import take


class StaffThrottle(BaseThrottle):
    """A generous limit for each person: a script that runs wild must not stop the others."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        take("knowledge", f"user:{request.user.pk}")
        return True


class StaffView(APIView):
    """For staff alone, which is decided before anything is looked up."""

    permission_classes = [IsAdminUser]
    throttle_classes = [StaffThrottle]
