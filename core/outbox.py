"""Mail that survives a kill: a row in the same transaction as its cause, sent by a task.

A mail goes out twice where the process dies between the server's acknowledgement and the next
statement, or where sending outlasts the lease. It is tried twelve times over about five hours and
then given up: its text is dropped, and the row with the kind of the last error stays for 30 days.
"""

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from core.hints import send_hint
from core.models import OutboundMail

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
KEEP = timedelta(days=30)
ATTEMPTS = 12  # with doubling pauses up to an hour: about five hours


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
    due = _due().filter(pk=mail_id)
    if not due.update(lease_until=timezone.now() + LEASE, attempts=F("attempts") + 1):
        return False
    mail = OutboundMail.objects.filter(pk=mail_id).first()
    if mail is None:  # its person has gone meanwhile
        return False
    try:
        EmailMultiAlternatives(mail.subject, mail.text, to=[mail.to]).send()
    except OSError as error:  # smtplib's errors and sockets' are all OSError; TLS's are both
        _postpone(mail, error)
        return False
    except ValueError as error:  # no mail can be made of it, as with a domain that IDNA refuses
        _give_up(mail, error)
        return False
    _own(mail).update(sent_at=timezone.now(), lease_until=None, error="", text="")
    return True


def send_all_due() -> int:
    """Send what is due; a mail that fails in a new way keeps no other from going out.

    Returns:
        How many went out.
    """
    sent = 0
    for mail_id in due_mail_ids():
        try:
            sent += send_due(mail_id)
        except Exception:  # edge: the sweep; the claim has counted, so it ends some time
            logger.exception("mail %s failed", mail_id)
    return sent


def _postpone(mail: OutboundMail, error: OSError) -> None:
    if mail.attempts >= ATTEMPTS:
        _give_up(mail, error)
        return
    pause = min(3600, 15 * 2**mail.attempts)
    logger.warning(
        "mail %s was not accepted (%s); next try in %s s", mail.pk, type(error).__name__, pause
    )
    _own(mail).update(
        lease_until=None,
        error=type(error).__name__,
        due_at=timezone.now() + timedelta(seconds=pause),
    )


def _give_up(mail: OutboundMail, error: Exception) -> None:
    logger.error("mail %s is given up (%s)", mail.pk, type(error).__name__)
    _own(mail).update(lease_until=None, error=type(error).__name__, attempts=ATTEMPTS, text="")


def _own(mail: OutboundMail) -> "QuerySet[OutboundMail]":
    """The row while the claim that ``mail`` was read with still holds."""
    return OutboundMail.objects.filter(pk=mail.pk, lease_until=mail.lease_until)


def _free() -> "QuerySet[OutboundMail]":
    """Mails that have not gone out and that nobody is sending."""
    is_free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    return OutboundMail.objects.filter(is_free, sent_at=None)


def _due() -> "QuerySet[OutboundMail]":
    return _free().filter(due_at__lte=timezone.now(), attempts__lt=ATTEMPTS)


def due_mail_ids(limit: int = 100) -> list[int]:
    """Mails that wait and that nobody is sending."""
    return list(_due().order_by("due_at").values_list("pk", flat=True)[:limit])


def clean() -> int:
    """Drop rows 30 days after the mail went out or was given up, and the texts of the latter.

    Returns:
        How many rows were dropped.
    """
    before = timezone.now() - KEEP
    given_up = _free().filter(attempts__gte=ATTEMPTS)
    given_up.exclude(text="").update(text="")  # a process died in the last attempt
    sent, _ = OutboundMail.objects.filter(sent_at__lt=before).delete()
    old, _ = given_up.filter(due_at__lt=before).delete()
    return sent + old
