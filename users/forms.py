"""Forms of the pages. They check shapes; rules that need rows are the services'."""

from typing import Any

from django import forms

from users.models import normalise_email
from users.names import LONGEST_NAME, refuse_controls
from users.passwords import LONGEST, SHORTEST
from users.services import NewAccount

PASSWORD_HINT = f"At least {SHORTEST} characters. A few words in a row work well."


def _password(label: str, autocomplete: str, **options: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=LONGEST, strip=False, widget=widget, **options)


def _email(autocomplete: str) -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": autocomplete})
    return forms.EmailField(label="E-mail", max_length=254, widget=widget)


def _name() -> forms.CharField:
    return forms.CharField(
        label="Name that others see",
        max_length=LONGEST_NAME,
        required=False,
        validators=[refuse_controls],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class LogInForm(forms.Form):
    email = _email("username")
    password = _password("Password", "current-password")
    remember = forms.BooleanField(label="Stay signed in", required=False)


class NewAccountForm(forms.Form):
    """Sign-up and conversion: the user name is made from the address."""

    name = _name()
    email = _email("email")
    password = _password("Password", "new-password", help_text=PASSWORD_HINT)
    password2 = _password("Password again", "new-password")

    def clean_email(self) -> str:
        return normalise_email(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, second = cleaned.get("password"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", "The two passwords differ.")
        return cleaned

    def new_account(self) -> NewAccount:
        cleaned = self.cleaned_data
        return NewAccount(
            email=cleaned["email"], password=cleaned["password"], first_name=cleaned["name"]
        )


class ProfileForm(forms.Form):
    name = _name()


class ChangePasswordForm(forms.Form):
    old_password = _password("Present password", "current-password")
    new_password = _password(
        "New password",
        "new-password",
        help_text=f"At least {SHORTEST} characters. You are signed out everywhere else.",
    )


class DeleteForm(forms.Form):
    """A visitor has no password to type: the field is left out."""

    password = _password("Password", "current-password")

    def __init__(self, *args: Any, is_visitor: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if is_visitor:
            del self.fields["password"]


class ResetRequestForm(forms.Form):
    email = _email("email")

    def clean_email(self) -> str:
        return normalise_email(self.cleaned_data["email"])


class ResetForm(forms.Form):
    new_password = _password("New password", "new-password", help_text=PASSWORD_HINT)


class ConfirmForm(forms.Form):
    """A button alone: opening a link must change nothing, as mail scanners open links."""
