"""Who may do what: one row for each route and method, and a failure for a route without a row.

The routes come from the URLconf, so a new one cannot be forgotten. Everything that a path names
(conversation, message, document, version) is alice's, or readable by her group alone; each role
then calls it. 404 hides what is not theirs, 401 and 403 are for who is nobody or may not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from chat.models import ChatSession, Citation, Message
from knowledge.models import Document, IndexBuild
from tests.access_rows import ANSWERS_START, REDIRECTS, ROLES, ROWS, UNLISTED
from users.models import User
from users.tokens import issue_tokens

METHODS = ("get", "post", "patch", "put", "delete")


@dataclass(frozen=True)
class Route:
    method: str
    path: str


def _walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback


def _methods(callback: Any) -> list[str]:
    """The methods that a view answers; a function says it by ``require_http_methods``'s rows."""
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    actions = getattr(callback, "actions", None)
    if actions:
        return [m for m in METHODS if m in actions]
    allowed = getattr(view, "http_method_names", METHODS)
    return [m for m in METHODS if view is not None and hasattr(view, m) and m in allowed]


def listed_routes() -> list[tuple[str, list[str]]]:
    routes = _walk(get_resolver().url_patterns)
    return [(path, _methods(view)) for path, view in routes if not path.startswith(UNLISTED)]


@pytest.mark.parametrize(("path", "methods"), listed_routes(), ids=str)
def test_every_route_and_method_has_a_row(path: str, methods: list[str]) -> None:
    rows = {method for method, row_path in ROWS if row_path == path}
    assert rows, f"{path} has no row in tests/access_rows.py"
    missing = {m.upper() for m in methods} - rows
    assert not missing or path in REDIRECTS, f"{path} has no row for {sorted(missing)}"


def test_no_row_is_about_a_route_that_is_gone() -> None:
    paths = {path for path, _ in listed_routes()}
    assert sorted({path for _, path in ROWS} - paths) == []


@dataclass(frozen=True)
class Stage:
    ids: dict[str, str]
    people: dict[str, User | None]


@pytest.fixture
def stage(
    alice: User,
    bob: User,
    charlie: User,
    visitor: User,
    add_text: Callable[..., Document],
) -> Stage:
    """Alice's conversation, and a document that only her group reads."""
    group, _ = Group.objects.get_or_create(name="family")
    alice.groups.add(group)
    document = add_text(
        "Cellar", "# Cellar\n\nThe key hangs behind the door.\n", groups=("family",)
    )
    session = ChatSession.objects.create(user=alice, title="Keys")
    question = Message.objects.create(session=session, ordinal=0, role="user", text="Where?")
    answer = Message.objects.create(
        session=session,
        ordinal=1,
        role="assistant",
        text="Behind the door.[1]",
        question=question,
        outcome="answered",
        sentences=[{"start": 0, "end": 16, "numbers": [1], "support": "supported"}],
    )
    Citation.objects.create(
        message=answer,
        number=1,
        document=document,
        version=document.active_version,
        document_number=document.pk,
        version_number=1,
        title=document.title,
        **dict.fromkeys(("start", "passage_start"), 10),
        **dict.fromkeys(("end", "passage_end"), 30),
    )
    deleted = ChatSession.objects.create(user=alice, is_active=False, deleted_at=timezone.now())
    gone = User.objects.create_user("gone@example.org", "a long enough phrase 7")
    people = dict(zip(ROLES, (None, visitor, alice, charlie, bob, gone), strict=True))
    ids = {
        "session_id": str(session.pk),
        "deleted_id": str(deleted.pk),
        "message_id": str(answer.pk),
        "document_id": str(document.pk),
        "number": "1",
        "build_id": str(IndexBuild.objects.get(state="active").pk),
    }
    return Stage(ids, people)


def _concrete(path: str, ids: dict[str, str]) -> str:
    """A path of the URLconf with the stage's ids in its converters."""
    parts = []
    for part in path.split("<"):
        inside, closed, rest = part.partition(">")
        if not closed:
            parts.append(part)
            continue
        name = inside.rpartition(":")[2]
        if path.endswith("restore/"):
            name = "deleted_id"
        if name == "pk":
            name = "build_id" if path.startswith("api/knowledge/index/") else "document_id"
        parts.append(ids.get(name, "no-such-token") + rest)
    return "/" + "".join(parts)


def _client(role: str, person: User | None, *, by_page: bool) -> Client:
    client = Client()
    if person is None:
        return client
    if by_page:
        client.force_login(person)
    else:
        client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {issue_tokens(person)['access']}"
    if role == "gone":
        User.objects.filter(pk=person.pk).update(is_active=False)
    return client


def _call(stage: Stage, method: str, path: str, role: str) -> Any:
    row = ROWS[method, path]
    by_page = not path.startswith("api/")
    client = _client(role, stage.people[role], by_page=by_page)
    options: dict[str, Any] = {}
    if row.body is not None:
        options["data"] = {
            name: stage.ids.get(str(value).strip("<>"), value) for name, value in row.body.items()
        }
        if not by_page:
            options["content_type"] = "application/json"
    return getattr(client, method.lower())(_concrete(path, stage.ids), **options)


def _check(stage: Stage, method: str, path: str, role: str) -> str:
    answer = _call(stage, method, path, role)
    if answer.streaming and not answer.is_async:
        list(answer.streaming_content)  # read to its end, which closes the file
    expected = ROWS[method, path].statuses[ROLES.index(role)]
    if answer.status_code == expected:
        return ""
    return (
        f"{role}: {answer.status_code}, not {expected}: {getattr(answer, 'content', b'')[:200]!r}"
    )


@pytest.mark.engine
@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), sorted(set(ROWS) - ANSWERS_START), ids=str)
def test_each_role_gets_what_the_row_says(stage: Stage, method: str, path: str) -> None:
    wrong = []
    for role in ROLES:
        with transaction.atomic():  # each role meets the same stage
            wrong.append(_check(stage, method, path, role))
            transaction.set_rollback(True)
    assert [line for line in wrong if line] == []


@pytest.mark.engine
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("method", "path"), sorted(ANSWERS_START), ids=str)
def test_each_role_may_ask_as_the_row_says(stage: Stage, method: str, path: str) -> None:
    """Doors that start an answer: it is written by a thread, so the rows must be committed."""
    wrong = [_check(stage, method, path, role) for role in ROLES]
    assert [line for line in wrong if line] == []
