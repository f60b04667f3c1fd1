"""The orders of this app: every write of the doors is a verb of these modules."""

from users.services.accounts import (
    NewAccount,
    convert_visitor,
    deactivate,
    sign_up,
    update_profile,
)
from users.services.admins import make_admin
from users.services.credentials import (
    change_password,
    check_credentials,
    confirm_password_reset,
    request_password_reset,
    set_password,
)
from users.services.erasure import delete_account, erase
from users.services.exports import open_export, request_export
from users.services.verification import resend_verification, send_verification, verify_email
from users.services.visitors import ensure_visitor, make_visitor

__all__ = [
    "NewAccount",
    "change_password",
    "check_credentials",
    "confirm_password_reset",
    "convert_visitor",
    "deactivate",
    "delete_account",
    "ensure_visitor",
    "erase",
    "make_admin",
    "make_visitor",
    "open_export",
    "request_export",
    "request_password_reset",
    "resend_verification",
    "send_verification",
    "set_password",
    "sign_up",
    "update_profile",
    "verify_email",
]
