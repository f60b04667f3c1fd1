"""The versions of the assistant's voice: read the active one, save another, go back."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from chat.generation.voice import PLAIN, Voice
from chat.models import Voice as VoiceRow
from core.statements import Marks, statement


def active_voice() -> Voice:
    """How the assistant speaks now."""
    rows = statement(("voice",), _active).rows()
    return Voice(*rows[0]) if rows else PLAIN


def _active() -> tuple[QuerySet[Any, Any], Marks]:
    rows = VoiceRow.objects.filter(is_active=True).order_by()
    return rows.values_list("name", "tone", "instructions", "pk"), {}


def voice_of(row: VoiceRow) -> Voice:
    return Voice(row.name, row.tone, row.instructions, row.pk or 0)


@transaction.atomic
def save_voice(voice: Voice, author: Any) -> VoiceRow:
    """Keep this as a version of its own and speak so from the next answer on."""
    VoiceRow.objects.select_for_update().filter(is_active=True).update(is_active=False)
    return VoiceRow.objects.create(
        name=voice.name,
        tone=voice.tone,
        instructions=voice.instructions,
        author=author,
        is_active=True,
    )


@transaction.atomic
def use_voice(version: int) -> bool:
    """Go back to a version; False where there is none."""
    rows = VoiceRow.objects.select_for_update()
    if not rows.filter(pk=version).exists():
        return False
    rows.filter(is_active=True).exclude(pk=version).update(is_active=False)
    return bool(rows.filter(pk=version).update(is_active=True))
