"""Erasure: an account and all that is its owner's."""

from collections.abc import Sequence
from functools import partial

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.storage import default_storage
from django.db import transaction
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from core.models import OutboundMail
from users.models import DataExport, User
from users.services.credentials import check_own_password


def delete_account(user: User, password: str = "") -> None:
    """Erase the caller's own account; a member says the password, a visitor has none.

    Raises:
        Throttled, Invalid: the password is not right.
    """
    if not user.is_visitor:
        check_own_password(user, password, "password")
    erase([user])


def erase(users: Sequence[User]) -> None:
    """Remove accounts with their conversations, tokens, exports and waiting mail.

    All rows go in one transaction, so a kill leaves all or nothing; files go after it, and the
    sweep removes those that a kill left behind. What admins did to these accounts stays on record
    without a name.
    """
    ids = [user.pk for user in users]
    emails = [user.email for user in users if user.email]
    exports = DataExport.objects.filter(user__in=ids).exclude(file="")
    files = list(exports.values_list("file", flat=True))
    with transaction.atomic():
        # The library's foreign key would be set to null and the row kept.
        OutstandingToken.objects.filter(user__in=ids).delete()
        OutboundMail.objects.filter(to__in=emails).delete()
        _unname_log_entries(ids)
        User.objects.filter(pk__in=ids).delete()
        transaction.on_commit(partial(_delete_files, files))


def _unname_log_entries(ids: Sequence[int]) -> None:
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=kind, object_id__in=[str(pk) for pk in ids]).update(
        object_repr="an erased account", change_message=""
    )


def _delete_files(names: Sequence[str]) -> None:
    for name in names:
        default_storage.delete(name)
