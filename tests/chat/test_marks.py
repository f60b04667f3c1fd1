"""Staff see how many messages were marked and why, and nobody's words."""

import pytest
from django.test import Client
from django.urls import reverse

from chat.models import ChatSession, Message
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
LIST = reverse("admin:chat_message_changelist")
ORDERS = {"orders": {"score": 0.98, "manners": ["cancels", "asks for the prompt"]}}
OBJECTED = {"moderation": {"question": {"flagged": True, "categories": ["violence"]}}}
FAILED = {"moderation": {"answer": {"failed": "nothing came in time", "checks": 1}}}
CLEAN = {"moderation": {"question": {"flagged": False, "categories": []}}}
SECRET = "Zanzibar"


@pytest.fixture
def desk(bob: User, client: Client) -> Client:
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    client.force_login(User.objects.get(pk=bob.pk))
    return client


@pytest.fixture
def messages(alice: User) -> dict[str, Message]:
    session = ChatSession.objects.create(user=alice)
    made = {}
    for at, (name, safety) in enumerate(
        {"orders": ORDERS, "moderated": OBJECTED, "unmoderated": FAILED, "clean": CLEAN}.items()
    ):
        asked = Message.objects.create(session=session, ordinal=2 * at, role="user", text=SECRET)
        made[name] = Message.objects.create(
            session=session, ordinal=2 * at + 1, role="assistant", question=asked, text=SECRET,
            safety=safety,
        )  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("orders", "gives orders (cancels, asks for the prompt)"),
        ("moderated", "question objected to (violence)"),
        ("unmoderated", "answer not moderated (nothing came in time)"),
    ],
)
def test_marked_messages_are_listed_with_their_marks_and_without_their_words(
    mark: str, words: str, desk: Client, messages: dict[str, Message]
) -> None:
    page = desk.get(LIST, {"mark": mark}).content.decode()
    assert words in page
    for name, message in messages.items():
        assert (str(message.pk) in page) is (name == mark)
    assert SECRET not in page
    detail = reverse("admin:chat_message_change", args=[messages[mark].pk])
    assert SECRET not in desk.get(detail).content.decode()


def test_all_messages_are_listed_where_no_mark_is_chosen(
    desk: Client, messages: dict[str, Message]
) -> None:
    page = desk.get(LIST).content.decode()
    assert all(str(message.pk) in page for message in messages.values())
    assert "(1)" in page  # the count beside each mark


def test_a_stranger_sees_no_list(client: Client, charlie: User, messages: object) -> None:
    client.force_login(charlie)
    assert client.get(LIST).status_code == 302
