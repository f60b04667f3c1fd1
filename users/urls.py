"""Pages under ``/accounts/`` and the API under ``/api/users/``."""

from django.urls import include, path

from users.views import account, entry, mailed

pages = [
    path("login/", entry.log_in, name="login"),
    path("logout/", entry.log_out, name="logout"),
    path("signup/", entry.sign_up, name="signup"),
    path("convert/", entry.convert, name="convert"),
    path("settings/", account.settings_page, name="settings"),
    path("verify/resend/", mailed.resend, name="verify_resend"),
    path("verify/<str:key>/", mailed.verify, name="verify"),
    path("password/", account.change_password, name="password_change"),
    path("password-reset/", mailed.request_reset, name="password_reset"),
    path("password-reset/sent/", mailed.reset_sent, name="password_reset_sent"),
    path(
        "password-reset/<str:uid>/<str:token>/",
        mailed.confirm_reset,
        name="password_reset_confirm",
    ),
    path("export/", account.export, name="export"),
    path("export/<str:token>/", account.export_file, name="export_file"),
    path("delete/", account.delete, name="delete"),
]

urlpatterns = [
    path("accounts/", include((pages, "users"))),
    path("api/users/", include("users.api.urls")),
]
