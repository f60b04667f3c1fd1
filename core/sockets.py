"""WebSockets at the door: which address has a consumer, and whose pages may open one.

A browser sends a socket's handshake across sites, with the cookies, and asks nobody; so the server
holds the ``Origin`` against its own address. What is refused here is answered 403.
"""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.urls import path, re_path
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)


def with_sockets(app: Any) -> Any:
    """Wrap Django's application so that ``settings.SOCKETS`` are answered beside it."""
    routes: list[Any] = [
        path(address, only_from_our_pages(_consumer(name)))
        for address, name in settings.SOCKETS.items()
    ]
    routes.append(re_path("", cast("Any", refuse)))  # an ASGI application, where Django has views
    sockets = URLRouter(routes)
    return ProtocolTypeRouter({"http": app, "websocket": sockets})


def _consumer(name: str) -> Any:
    """A consumer that is imported when its first socket opens: it needs most of the product."""
    load = cache(lambda: import_string(name).as_asgi())

    async def opened(scope: Any, receive: Any, send: Any) -> None:
        await load()(scope, receive, send)

    return opened


def only_from_our_pages(app: Any) -> Any:
    """Wrap a consumer: pages of ours and of ``CORS_ALLOWED_ORIGINS``, and what is no browser.

    ``scope["may_use_cookies"]`` is False for the listed pages: by HTTP they cannot use them either.
    """

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        headers = headers_of(scope)
        if not _is_our_host(headers) or not _may_come(headers):
            logger.warning("a socket was refused: it comes from another site")
            await refuse(scope, receive, send)
            return
        may_use_cookies = "origin" not in headers or _is_own(headers)
        await app({**scope, "may_use_cookies": may_use_cookies}, receive, send)

    return wrapped


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Close a socket before it is open: the handshake is answered 403."""
    await receive()
    await send({"type": "websocket.close"})


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The handshake's headers by their names in small letters."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def request_of(scope: Mapping[str, Any]) -> HttpRequest:
    """The handshake, for those who ask a request where it comes from."""
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = (scope.get("client") or ("",))[0]
    request.META["HTTP_X_FORWARDED_FOR"] = headers_of(scope).get("x-forwarded-for", "")
    return request


def _is_our_host(headers: Mapping[str, str]) -> bool:
    domain, _ = split_domain_port(headers.get("host", ""))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _may_come(headers: Mapping[str, str]) -> bool:
    origin = headers.get("origin")
    return origin is None or _is_own(headers) or origin in settings.CORS_ALLOWED_ORIGINS


def _is_own(headers: Mapping[str, str]) -> bool:
    """Whether the page has the address that it talks to, or the product's own."""
    origin = headers.get("origin", "")
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if origin == settings.SITE_URL:
        return True
    schemes = {"https"} if settings.HTTPS else {"http", "https"}
    return parts.scheme in schemes and parts.netloc.lower() == headers.get("host", "").lower()
