"""The menu at the side of the admin: what each app has, and the playground beside the builds."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

_PLAYGROUND = "Playground"
_BUILDS = "IndexBuild"


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links as the theme takes them; only what the person may see."""
    return [
        {"title": app["name"], "items": _items(app["models"])}
        for app in admin.site.get_app_list(request)
    ]


def _items(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for model in models:
        if address := model.get("admin_url"):
            found.append(_item(str(model["name"]), str(address)))
        if model["object_name"] == _BUILDS:
            found.append(_item(_PLAYGROUND, reverse("admin:knowledge_playground")))
    return found


def _item(title: str, address: str) -> dict[str, Any]:
    return {"title": title, "link": address, "active": partial(_is_here, address)}


def _is_here(address: str, request: HttpRequest) -> bool:
    """The playground stands below the builds, and is not one of them."""
    playground = reverse("admin:knowledge_playground")
    if request.path.startswith(playground):
        return address == playground
    return request.path.startswith(address)
