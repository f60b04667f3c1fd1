"""The ASGI application that uvicorn serves."""

import os

from core.native import allow_files, limit_threads, share_turns

limit_threads()
allow_files()
share_turns()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django  # noqa: E402  (after the environment)

django.setup(set_prefix=False)

from core.drain import announce_drain  # noqa: E402  (after the apps)
from core.handler import Handler  # noqa: E402
from core.limits import limit_bodies  # noqa: E402
from core.sockets import with_sockets  # noqa: E402
from core.warming import warm_early  # noqa: E402

application = announce_drain(warm_early(with_sockets(limit_bodies(Handler()))))
