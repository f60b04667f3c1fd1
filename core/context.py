"""What every page of the product knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEMES = {"light", "dark"}


def site(request: HttpRequest) -> dict[str, Any]:
    """``site``: the reader's theme (empty follows the system) and the limits that pages name."""
    theme = request.COOKIES.get("theme", "")
    return {
        "site": {
            "theme": theme if theme in THEMES else "",
            "message_max_chars": settings.MESSAGE_MAX_CHARS,
            "retention_days": settings.RETENTION_DAYS,
        }
    }
