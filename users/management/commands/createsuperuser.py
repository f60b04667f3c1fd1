"""``createsuperuser`` with the same rule for passwords as every other door.

Django's own asks whether to take a weak password anyway. This app stands before
``django.contrib.auth`` in ``INSTALLED_APPS``, else Django's command would be found first.
"""

import os
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import Invalid
from users.services import make_admin


class Command(BaseCommand):
    help = "Makes an administrator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", help="the address to sign in with")
        parser.add_argument(
            "--noinput",
            "--no-input",
            action="store_false",
            dest="interactive",
            help="ask nothing: DJANGO_SUPERUSER_EMAIL and DJANGO_SUPERUSER_PASSWORD say it all",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"] or os.environ.get("DJANGO_SUPERUSER_EMAIL", "")
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD", "")
        if options["interactive"]:
            email = email or input("E-mail: ")
            password = _asked_twice()
        try:
            make_admin(email, password)
        except Invalid as error:
            raise CommandError(
                " ".join(f"{name}: {' '.join(said)}" for name, said in error.fields.items())
            ) from error
        if options["verbosity"] >= 1:
            self.stdout.write("Superuser created successfully.")


def _asked_twice() -> str:
    password = getpass("Password: ")
    if password != getpass("Password (again): "):
        raise CommandError("The two passwords differ.")
    return password
