"""Every address of the product: includes only."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("core.doors")),
    path("", include("users.urls")),
    path("", include("knowledge.urls")),
    path("", include("chat.urls")),
]

handler404 = "core.views.not_found"
handler500 = "core.views.server_error"
handler403 = "core.views.forbidden"
handler400 = "core.views.bad_request"
