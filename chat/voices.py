"""The versions of the assistant's voice: read the active one, save another, go back."""

from typing import Any

from django.db import transaction

from chat.generation.voice import PLAIN, Voice
from chat.models import Voice as VoiceRow


def active_voice() -> Voice:
    """How the assistant speaks now."""
    row = VoiceRow.objects.filter(is_active=True).first()
    return voice_of(row) if row else PLAIN


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
