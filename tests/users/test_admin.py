"""People in the admin: what staff may do, and that the services do it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from chat.models import ChatSession
from knowledge.models import Document
from tests.users.people import OTHER_PASSWORD, PASSWORD, UNMAILABLE
from users.models import User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
LIST = "/admin/users/user/"


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root@example.org", PASSWORD)


@pytest.fixture
def admin(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def clerk(bob: User) -> Client:
    """Staff with every right to users, and no administrator."""
    bob.user_permissions.set(Permission.objects.filter(content_type__app_label="users"))
    client = Client()
    client.force_login(bob)
    return client


def form_of(user: User, **fields: Any) -> dict[str, Any]:
    values = {
        "email": user.email or "",
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_active": user.is_active,
        "is_verified": user.is_verified,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
    } | fields
    return {name: value for name, value in values.items() if value is not False}


def test_no_hash_is_shown_anywhere(admin: Client, alice: User) -> None:
    for path in (LIST, f"{LIST}{alice.pk}/change/", f"{LIST}{alice.pk}/password/", f"{LIST}add/"):
        answer = admin.get(path)
        assert answer.status_code == 200
        assert "argon2" not in answer.content.decode()


def test_the_list_costs_the_same_for_three_people_and_for_thirty(
    admin: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        User.objects.create_user(f"user{number}@example.org", None)
        if number in {2, 29}:
            with django_assert_max_num_queries(8):
                assert admin.get(LIST).status_code == 200


def test_deactivation_ends_tokens_and_sessions(admin: Client, alice: User) -> None:
    pair = issue_tokens(alice)
    page = Client()
    page.force_login(alice)
    answer = admin.post(f"{LIST}{alice.pk}/change/", form_of(alice, is_active=False))
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.is_active, alice.token_version) == (False, 1)
    refreshed = page.post("/api/users/token/refresh/", pair, content_type="application/json")
    assert refreshed.status_code == 401
    assert page.get("/accounts/settings/").status_code == 302


def test_groups_are_given_here(admin: Client, alice: User) -> None:
    group = Group.objects.create(name="hr")
    admin.post(f"{LIST}{alice.pk}/change/", form_of(alice, groups=[group.pk]))
    assert list(alice.groups.all()) == [group]
    assert admin.get("/admin/auth/group/").status_code == 200
    assert admin.post("/admin/auth/group/add/", {"name": "it"}).status_code == 302


def test_a_group_that_documents_name_stays(
    admin: Client, add_text: Callable[..., Document]
) -> None:
    document = add_text("Pay", "Salaries are paid monthly.", groups=("hr",))
    group = Group.objects.get(name="hr")
    path = f"/admin/auth/group/{group.pk}/delete/"
    for answer in (admin.get(path, follow=True), admin.post(path, {"post": "yes"}, follow=True)):
        assert "was not deleted: 1 document" in answer.content.decode()
    chosen = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
    admin.post("/admin/auth/group/", chosen)
    assert list(document.groups.all()) == [group]
    document.groups.clear()
    assert admin.post(path, {"post": "yes"}).status_code == 302
    assert not Group.objects.exists()


def test_a_clerk_without_the_right_learns_nothing_of_a_group(
    clerk: Client, add_text: Callable[..., Document]
) -> None:
    add_text("Pay", "Salaries are paid monthly.", groups=("hr",))
    path = f"/admin/auth/group/{Group.objects.get().pk}/delete/"
    assert clerk.get(path).status_code == 403


def test_a_new_address_is_stored_in_one_form_and_unconfirmed(admin: Client, alice: User) -> None:
    admin.post(f"{LIST}{alice.pk}/change/", form_of(alice, email="Alice@Example.NET"))
    alice.refresh_from_db()
    assert (alice.email, alice.is_verified) == ("alice@example.net", False)


@pytest.mark.parametrize(
    "fields",
    [
        {"email": ""},
        {"email": "charlie@example.org"},
        {"email": UNMAILABLE},
        {"first_name": "a\x07"},
    ],
)
def test_what_does_not_fit_is_refused(
    admin: Client, alice: User, charlie: User, fields: dict[str, str]
) -> None:
    answer = admin.post(f"{LIST}{alice.pk}/change/", form_of(alice, **fields))
    assert answer.status_code == 200
    alice.refresh_from_db()
    assert (alice.email, alice.first_name) == ("alice@example.org", "Alice")


def test_a_member_is_made_by_the_rule_for_passwords(admin: Client) -> None:
    body = {"email": "Dora@example.org", "password1": "12345678", "password2": "12345678"}
    assert admin.post(f"{LIST}add/", body).status_code == 200
    unmailable = {"email": UNMAILABLE, "password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD}
    assert admin.post(f"{LIST}add/", unmailable).status_code == 200
    body |= {"password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD}
    assert admin.post(f"{LIST}add/", body).status_code == 302
    user = User.objects.get(email="dora@example.org")
    assert user.username == "dora"
    assert user.password.startswith("argon2$argon2id$")


def test_a_password_is_set_by_the_same_rule_and_ends_all_tokens(admin: Client, alice: User) -> None:
    pair = issue_tokens(alice)
    path = f"{LIST}{alice.pk}/password/"
    weak = {"password1": "password1", "password2": "password1"}
    assert admin.post(path, weak).status_code == 200
    strong = {"password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD}
    assert admin.post(path, strong).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(OTHER_PASSWORD)
    again = Client().post("/api/users/token/refresh/", pair, content_type="application/json")
    assert again.status_code == 401


def test_deletion_goes_through_the_service(admin: Client, alice: User) -> None:
    ChatSession.objects.create(user=alice)
    issue_tokens(alice)
    path = f"{LIST}{alice.pk}/delete/"
    assert admin.get(path).status_code == 200
    assert admin.post(path, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not OutstandingToken.objects.exists()


def test_nobody_is_deleted_by_the_list(admin: Client, alice: User) -> None:
    body = {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"}
    admin.post(LIST, body)
    assert User.objects.filter(pk=alice.pk).exists()


def test_one_s_own_row_is_not_deleted_here(admin: Client, root: User) -> None:
    assert admin.post(f"{LIST}{root.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_gives_nobody_rights(clerk: Client, bob: User, alice: User) -> None:
    for user in (bob, alice):
        clerk.post(f"{LIST}{user.pk}/change/", form_of(user, is_superuser=True, is_staff=True))
        user.refresh_from_db()
        assert not user.is_superuser
    assert not alice.is_staff


def test_staff_does_not_touch_administrators(clerk: Client, root: User) -> None:
    strong = {"password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD}
    assert clerk.post(f"{LIST}{root.pk}/password/", strong).status_code == 403
    assert clerk.post(f"{LIST}{root.pk}/delete/", {"post": "yes"}).status_code == 403
    assert clerk.post(f"{LIST}{root.pk}/change/", form_of(root, email="x@y.org")).status_code == 403


def test_tokens_are_not_shown(admin: Client) -> None:
    assert admin.get("/admin/token_blacklist/outstandingtoken/").status_code == 404


def test_the_admin_s_own_log_in_has_the_same_limits(root: User, settings: Any) -> None:
    settings.RATES = {"login": "1/hour"}
    body = {"username": root.email, "password": "another phrase 7"}
    first, second = (Client().post("/admin/login/", body) for _ in range(2))
    assert "is not right" in first.content.decode()
    assert "Too many requests" in second.content.decode()


class Counting:
    """A log-in backend that knows nobody and counts who asks."""

    asked = 0

    def authenticate(self, request: Any, **credentials: Any) -> None:
        Counting.asked += 1


def test_another_account_from_the_same_address_is_refused_before_any_hashing(
    settings: Any,
) -> None:
    settings.RATES = {"login": "2/hour"}
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Counting"]
    Counting.asked = 0
    for number in range(4):
        body = {"username": f"root{number}@example.org", "password": PASSWORD}
        answer = Client().post("/admin/login/", body)
    assert "Too many requests" in answer.content.decode()
    assert Counting.asked == 2


def test_the_admin_s_own_form_for_a_new_password_leads_to_the_product_s(
    admin: Client, root: User
) -> None:
    answer = admin.get("/admin/password_change/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/")
    body = {"old_password": PASSWORD, "new_password1": OTHER_PASSWORD}
    admin.post("/admin/password_change/", body | {"new_password2": OTHER_PASSWORD})
    root.refresh_from_db()
    assert root.check_password(PASSWORD)


def test_who_is_no_staff_does_not_get_in(alice: User, root: User) -> None:
    body = {"username": alice.email, "password": PASSWORD}
    assert Client().post("/admin/login/?next=/admin/", body).status_code == 200
    body["username"] = "Root@example.org"
    assert Client().post("/admin/login/?next=/admin/", body).status_code == 302
