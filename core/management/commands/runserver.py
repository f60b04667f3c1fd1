"""``manage.py runserver``: Django's own arguments and reloader, served by ASGI.

Django's development server speaks WSGI, where an answer arrives in one lump at its end.
"""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import runserver
from django.db import connections
from django.utils import autoreload

from core.hosting import PortTaken, listen, server


class Command(runserver.Command):
    help = "Start one web process for development, with live streams; see also `make dev`."
    addr: str  # Django sets them from the arguments
    port: str

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Check, listen, serve; runs anew in each process that the reloader starts."""
        autoreload.raise_last_exception()
        if not options["skip_checks"]:
            self.stdout.write("Performing system checks...\n\n")
            self.check(display_num_errors=True)
        self.check_migrations()
        connections.close_all()
        try:
            listener = listen(self.addr, int(self.port))
        except PortTaken as error:
            raise CommandError(str(error)) from error
        self.on_bind(int(self.port))
        server().run(sockets=[listener])
