"""Who a search is asked as, and which documents it may show."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from core.statements import NO_KEY, Marks, statement
from knowledge.models import Document, DocumentQuerySet
from knowledge.passages import Filters

_LARGEST_ID = 2**63 - 1
# What stands for a value in a compiled statement: nothing that a row has.
_MARKS: dict[str, Any] = {
    "user": NO_KEY - 1,
    "today": date.min,
    "document_type": "\ue000 type",
    "source": "\ue000 source",
}


@dataclass(frozen=True)
class Audience:
    """Who asks. Made by one of the class methods; by itself it is a visitor.

    Everybody but ``everyone`` goes through the rule for readers; that one is for staff who judge a
    release as a whole, and never for a reader.
    """

    user: Any = None
    group_names: tuple[str, ...] = ()
    is_everyone: bool = False

    @classmethod
    def of(cls, user: Any) -> Self:
        """A person as they are now, or nobody."""
        return cls(user=user)

    @classmethod
    def members(cls, *names: str) -> Self:
        """Somebody who is in just these groups; a name that no group has adds nothing."""
        return cls(group_names=names)

    @classmethod
    def visitor(cls) -> Self:
        """Somebody without any group."""
        return cls()

    @classmethod
    def everyone(cls) -> Self:
        """All active documents, whatever their groups."""
        return cls(is_everyone=True)

    @property
    def is_person(self) -> bool:
        """Whether memberships count: a visitor with a cookie is a person too."""
        if self.is_everyone or self.group_names or self.user is None:
            return False
        return bool(self.user.is_authenticated and self.user.is_active)

    def group_ids(self) -> frozenset[int]:
        """The groups that count, read now; no query for who cannot have any."""
        if self.group_names and not self.is_everyone:
            return _ids(Group.objects.filter(name__in=self.group_names).values_list("pk"))
        if not self.is_person:
            return frozenset()
        return _ids(statement(("groups",), _memberships).rows(user=self.user.pk))

    def documents(self) -> DocumentQuerySet:
        """What they may read, whether or not it answers today."""
        if self.is_everyone:
            return Document.objects.filter(is_active=True)
        if self.group_names:
            groups = Group.objects.filter(name__in=self.group_names)
            return Document.objects.visible_to_groups(groups.values("pk"))
        return Document.objects.visible_to(self.user)

    @property
    def shape(self) -> tuple[Any, ...]:
        """What makes the statements of two audiences differ in more than their values."""
        return self.is_everyone, self.group_names, self.is_person

    def marked(self) -> "Audience":
        """The same with a mark for the person."""
        if not self.is_person:
            return self
        return Audience(user=get_user_model()(pk=_MARKS["user"]))


@dataclass(frozen=True)
class Scope:
    """The documents that one search may show.

    ``is_released`` is False for a release that does not answer yet: what it alone knows counts too.
    """

    audience: Audience
    filters: Filters
    today: date
    is_released: bool = True

    @property
    def shape(self) -> tuple[Any, ...]:
        """What makes the statements of two scopes differ in more than their values."""
        filters = bool(self.filters.document_type), bool(self.filters.source)
        return self.audience.shape, self.is_released, *filters

    @property
    def values(self) -> dict[str, Any]:
        """The values of this scope, by the names of ``marked``."""
        found: dict[str, Any] = {"today": self.today}
        if self.audience.is_person:
            found["user"] = self.audience.user.pk
        if self.filters.document_type:
            found["document_type"] = self.filters.document_type
        if self.filters.source:
            found["source"] = self.filters.source
        return found

    def marked(self) -> tuple["Scope", Marks]:
        """A scope of the same shape with marks for values; numbers of documents are left out."""
        marks = {name: _MARKS[name] for name in self.values}
        filters = Filters(
            document_type=marks.get("document_type", ""), source=marks.get("source", "")
        )
        return Scope(self.audience.marked(), filters, marks["today"], self.is_released), marks

    def documents(self) -> DocumentQuerySet:
        """The rule of who may read what, the days, and the asker's own narrowing."""
        readable = self.audience.documents()
        documents = (
            readable.answering(self.today) if self.is_released else readable.in_force(self.today)
        )
        filters = self.filters
        if filters.document_type:
            documents = documents.filter(document_type=filters.document_type)
        if filters.source:
            documents = documents.filter(source=filters.source)
        if filters.document_ids:
            possible = [pk for pk in filters.document_ids if 0 < pk <= _LARGEST_ID]
            documents = documents.filter(pk__in=possible)
        return documents


def _memberships() -> tuple[Any, Marks]:
    through = get_user_model().groups.through.objects
    mark = _MARKS["user"]
    return through.filter(user_id=mark).values_list("group_id"), {"user": mark}


def _ids(rows: Any) -> frozenset[int]:
    return frozenset(pk for (pk,) in rows)
