"""Every address of the product: includes, and one of the admin's led to the product's own."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from core import stream_check

urlpatterns = [
    # Before the admin's own form, which knows no limit and leaves every token as it was.
    path("admin/password_change/", RedirectView.as_view(pattern_name="users:password_change")),
    path("admin/", admin.site.urls),
    path("", include("core.doors")),
    path("health/stream/", stream_check.page, name="stream-check"),
    path("health/stream/events/", stream_check.events, name="stream-events"),
    path("", include("users.urls")),
    path("", include("knowledge.urls")),
    path("", include("chat.urls")),
]

handler404 = "core.views.not_found"
handler500 = "core.views.server_error"
handler403 = "core.views.forbidden"
handler400 = "core.views.bad_request"
