"""Addresses under ``/api/users/``."""

from django.urls import path

from users.api.views import accounts, passwords, profile, tokens

app_name = "users-api"

urlpatterns = [
    path("signup/", accounts.SignUpView.as_view(), name="signup"),
    path("login/", tokens.LogInView.as_view(), name="login"),
    path("token/refresh/", tokens.RefreshView.as_view(), name="refresh"),
    path("logout/", tokens.LogOutView.as_view(), name="logout"),
    path("anonymous/", accounts.VisitorView.as_view(), name="anonymous"),
    path("convert-anonymous/", accounts.ConvertView.as_view(), name="convert"),
    path("profile/", profile.ProfileView.as_view(), name="profile"),
    path("me/", profile.MeView.as_view(), name="me"),
    path("change-password/", passwords.ChangePasswordView.as_view(), name="change-password"),
    path("verify-email/", accounts.VerifyView.as_view(), name="verify"),
    path("verify-email/resend/", accounts.ResendView.as_view(), name="verify-resend"),
    path("password-reset/", passwords.ResetRequestView.as_view(), name="password-reset"),
    path(
        "password-reset/confirm/",
        passwords.ResetConfirmView.as_view(),
        name="password-reset-confirm",
    ),
    path("export/", profile.ExportView.as_view(), name="export"),
]
