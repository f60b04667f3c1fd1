"""People and groups in the admin. Every write that has consequences is a service's.

Log-in, passwords, deactivation and deletion end tokens and erase what is someone's; the admin's own
``save`` and ``delete`` would not.
"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from rest_framework_simplejwt.token_blacklist.admin import BlacklistedToken, OutstandingToken
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, AuthenticationForm, UserCreationForm

from core.errors import AppError
from users import services
from users.addresses import refuse_unmailable
from users.models import User, normalise_email
from users.names import clean_name, name_from_email, refuse_controls
from users.passwords import hash_password

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")

admin.site.unregister(Group)
# They would show every token that is outstanding; families end by the services.
admin.site.unregister(OutstandingToken)
admin.site.unregister(BlacklistedToken)


class LogInForm(AuthenticationForm):  # type: ignore[misc]  # unfold has no types
    """The admin's own door has the limits of the others; they count before anything is hashed."""

    def clean(self) -> dict[str, Any]:
        email = self.cleaned_data.get("username")
        password = self.cleaned_data.get("password")
        if email and password:
            try:
                self.user_cache = services.check_credentials(self.request, email, password)
            except AppError as error:
                raise ValidationError(error.detail) from error
            self.confirm_login_allowed(self.user_cache)
        cleaned: dict[str, Any] = self.cleaned_data
        return cleaned


admin.site.login_form = LogInForm


def _stored_form(email: str) -> str:
    email = normalise_email(email)
    refuse_unmailable(email)
    return email


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Names and address in their stored form."""

    def clean_email(self) -> str | None:
        """A member has an address, a visitor has none: they sign up themselves."""
        email = self.cleaned_data.get("email")
        if bool(email) == self.instance.is_visitor:
            raise ValidationError("A member has an e-mail address, and a visitor has none.")
        return _stored_form(email) if email else None

    def clean_username(self) -> str:
        return self._name("username")

    def clean_first_name(self) -> str:
        return self._name("first_name")

    def clean_last_name(self) -> str:
        return self._name("last_name")

    def _name(self, field: str) -> str:
        text = clean_name(self.cleaned_data.get(field, ""))
        refuse_controls(text)
        return text


class NewPersonForm(UserCreationForm):  # type: ignore[misc]  # unfold has no types
    """A member made by staff; the user name is made from the address."""

    usable_password = None

    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        return _stored_form(self.cleaned_data["email"])

    def save(self, *, commit: bool = True) -> User:
        user: User = forms.ModelForm.save(self, commit=False)
        user.username = name_from_email(str(user.email))
        user.password = hash_password(self.cleaned_data["password1"])
        if commit:
            user.save()
        return user


class NewPasswordForm(AdminPasswordChangeForm):  # type: ignore[misc]  # unfold has no types
    """Sets a password by the service: the rule is the same and all tokens end."""

    usable_password = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields.pop("usable_password", None)

    def save(self, *, commit: bool = True) -> User:
        services.set_password(self.user, self.cleaned_data["password1"])
        user: User = self.user
        return user


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """A group goes when no document names it: a document without groups is everyone's to read."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Groups are deleted one at a time, where their documents are counted first."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        group: Group | None = self.get_object(request, object_id)
        if group and self.has_delete_permission(request, group):
            count = group.document_set.count()
            if count:
                messages.error(request, _in_use(group, count))
                return redirect("admin:auth_group_change", group.pk)
        answer: HttpResponse = super().delete_view(request, object_id, extra_context)
        return answer


def _in_use(group: Group, count: int) -> str:
    return (
        f"The group {group} was not deleted: {count} document(s) are for it alone or with others, "
        "and without it they could be open to everyone. Give them other groups first."
    )


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]  # unfold has no types
    """Members, staff and visitors. A password is never shown; it is set on a page of its own."""

    form = PersonForm
    add_form = NewPersonForm
    change_password_form = NewPasswordForm
    ordering = ("-created_at",)
    list_display = (
        "identifier",
        "display_name",
        "user_type",
        "is_verified",
        "is_staff",
        "is_active",
        "last_seen_at",
    )
    list_filter = ("user_type", "is_staff", "is_superuser", "is_active", "is_verified", "groups")
    search_fields = ("email", "username", "first_name", "last_name")
    show_full_result_count = False
    readonly_fields = ("user_type", "last_login", "last_seen_at", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("email", "username", "first_name", "last_name")}),
        ("State", {"fields": ("user_type", "is_active", "is_verified")}),
        ("Rights", {"fields": RIGHTS}),
        ("Times", {"fields": ("last_login", "last_seen_at", "created_at", "updated_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Who is no administrator gives nobody rights that they lack themselves."""
        rights = () if request.user.is_superuser else RIGHTS
        return (*self.readonly_fields, *rights)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """One at a time and never oneself: one's own account goes by its settings page."""
        allowed = bool(super().has_delete_permission(request, obj)) and _may_touch(request, obj)
        return allowed and (obj is None or obj.pk != request.user.pk)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_deleted_objects(
        self, objs: "Sequence[Any] | QuerySet[Any]", request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What is someone's goes with them; staff needs no right of its own to each kind of row."""
        return [f"{user} and all that is theirs" for user in objs], {"users": len(objs)}, set(), []

    def save_model(self, request: HttpRequest, obj: User, form: forms.Form, change: bool) -> None:  # noqa: FBT001  (Django's signature)
        if "email" in form.changed_data and "is_verified" not in form.changed_data:
            obj.is_verified = False
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            services.deactivate(obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        services.erase([obj])

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[User]") -> None:
        services.erase(list(queryset))


def _may_touch(request: HttpRequest, obj: User | None) -> bool:
    """An administrator's row is for administrators."""
    return obj is None or bool(request.user.is_superuser) or not obj.is_superuser
