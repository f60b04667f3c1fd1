"""Mail that survives a kill: a row in the same transaction as its cause, sent by a task.

A mail may go out twice only if the process dies between the server's acknowledgement and the
next statement; it is never forgotten.
"""

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import timezone

from core.hints import send_hint
from core.models import OutboundMail

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
ATTEMPTS = 12  # with doubling pauses up to an hour: about nine hours


def queue_mail(key: str, to: str, template: str, context: dict[str, Any]) -> None:
    """Put a mail into the outbox; the same key is the same mail and goes out once.

    Args:
        key: names the event, e.g. ``verify:17:1``.
        to: the stored address of the recipient, never one that a request brought.
        template: ``emails/<template>.txt``, whose first line is the subject.
        context: for the template; ``site_url`` is added.
    """
    rendered = render_to_string(
        f"emails/{template}.txt", {**context, "site_url": settings.SITE_URL}
    )
    subject, _, text = rendered.strip().partition("\n")
    mail, created = OutboundMail.objects.get_or_create(
        key=key, defaults={"to": to, "subject": subject.strip()[:200], "text": text.strip() + "\n"}
    )
    if created:
        transaction.on_commit(partial(send_hint, "core.tasks.send_mail", mail.pk))


def send_due(mail_id: int) -> bool:
    """Send one mail if it is due and nobody else has it; returns whether it went out."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    claimed = OutboundMail.objects.filter(free, pk=mail_id, sent_at=None, due_at__lte=now).update(
        lease_until=now + LEASE, attempts=F("attempts") + 1
    )
    if not claimed:
        return False
    mail = OutboundMail.objects.get(pk=mail_id)
    try:
        EmailMultiAlternatives(mail.subject, mail.text, to=[mail.to]).send()
    except OSError as error:  # smtplib's errors and sockets' are all OSError
        _postpone(mail, error)
        return False
    OutboundMail.objects.filter(pk=mail_id).update(
        sent_at=timezone.now(), lease_until=None, error="", text=""
    )
    return True


def _postpone(mail: OutboundMail, error: OSError) -> None:
    pause = min(3600, 15 * 2**mail.attempts)
    logger.warning(
        "mail %s was not accepted (%s); next try in %s s", mail.pk, type(error).__name__, pause
    )
    OutboundMail.objects.filter(pk=mail.pk).update(
        lease_until=None,
        error=type(error).__name__,
        due_at=timezone.now() + timedelta(seconds=pause),
    )


def due_mail_ids(limit: int = 100) -> list[int]:
    """Mails that wait and that nobody is sending."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    rows = OutboundMail.objects.filter(
        free, sent_at=None, due_at__lte=now, attempts__lt=ATTEMPTS
    ).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:limit])
