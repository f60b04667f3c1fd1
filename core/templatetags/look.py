"""What every page's templates need: form fields with their relations, dates, and the theme."""

from dataclasses import dataclass
from datetime import datetime

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.safestring import SafeString

register = template.Library()


@dataclass(frozen=True)
class FieldPart:
    """A bound field ready to be placed: its input carries class, ids and states."""

    id: str
    input: SafeString
    hint: str


@register.simple_tag
def field_of(field: BoundField, hint: str = "", autocomplete: str = "") -> FieldPart:
    """The field's input with ``aria-invalid`` and ``aria-describedby`` as its state asks."""
    name = field.id_for_label
    hint = hint or str(field.help_text or "")
    described = [f"{name}-wrong"] if field.errors else []
    if hint:
        described.append(f"{name}-hint")
    given = field.field.widget.attrs
    attrs = {"class": given.get("class", "input")}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if field.errors:
        attrs["aria-invalid"] = "true"
    if autocomplete:
        attrs["autocomplete"] = autocomplete
    return FieldPart(name, field.as_widget(attrs=attrs), hint)


@register.filter
def day(value: datetime | str | None) -> str:
    """``20 Nov``, with the year when it is not this one; a text is read as ISO 8601."""
    moment = _moment(value)
    if moment is None:
        return ""
    form = "j M" if moment.year == timezone.localtime().year else "j M Y"
    return date_format(moment, form)


@register.filter
def full_day(value: datetime | str | None) -> str:
    """``3 May 2026``, whatever the year."""
    moment = _moment(value)
    return date_format(moment, "j F Y") if moment else ""


@register.filter
def iso_day(value: datetime | str | None) -> str:
    """The machine's form of a day, for ``<time datetime>``."""
    moment = _moment(value)
    return moment.date().isoformat() if moment else ""


@register.filter
def when(value: datetime | str | None) -> str:
    """``today, 09:12``, ``yesterday, 16:40`` or the day."""
    moment = _moment(value)
    if moment is None:
        return ""
    ago = (timezone.localtime().date() - moment.date()).days
    clock = date_format(moment, "H:i")
    return {0: f"today, {clock}", 1: f"yesterday, {clock}"}.get(ago, day(moment))


def _moment(value: datetime | str | None) -> datetime | None:
    if isinstance(value, str):
        value = parse_datetime(value) if value else None
    if value is None:
        return None
    return timezone.localtime(value) if timezone.is_aware(value) else value
