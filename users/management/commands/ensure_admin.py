"""Make an administrator once, and print the credentials once."""

import os
import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import Invalid
from users.models import User
from users.services import make_admin

DEFAULT_EMAIL = "admin@localhost"


class Command(BaseCommand):
    help = (
        "Makes an administrator if there is none: from DJANGO_SUPERUSER_EMAIL and "
        "DJANGO_SUPERUSER_PASSWORD, else admin@localhost with a password that is printed once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(is_superuser=True).exists():
            return
        given = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        password = given or secrets.token_urlsafe(15)
        try:
            admin = make_admin(os.environ.get("DJANGO_SUPERUSER_EMAIL") or DEFAULT_EMAIL, password)
        except Invalid as error:
            sentences = " ".join(" ".join(said) for said in error.fields.values())
            raise CommandError(f"No administrator was made. {sentences}") from error
        self.stdout.write("An administrator was made (shown once):")
        self.stdout.write(f"  e-mail    {admin.email}")
        self.stdout.write(f"  password  {'as in DJANGO_SUPERUSER_PASSWORD' if given else password}")
