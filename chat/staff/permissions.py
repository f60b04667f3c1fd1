"""Who sees what of the models in the admin."""

from typing import Any

from django.http import HttpRequest


class ReadByStaff:
    """Rows that all staff may look at and nobody changes here."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_staff)
