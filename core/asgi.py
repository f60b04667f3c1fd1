"""The ASGI application that uvicorn serves."""

import os

from core.native import limit_threads

limit_threads()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

from django.core.asgi import get_asgi_application  # noqa: E402  (after the environment)

from core.drain import announce_drain  # noqa: E402
from core.limits import limit_bodies  # noqa: E402
from core.sockets import with_sockets  # noqa: E402
from core.warming import warm_early  # noqa: E402

application = announce_drain(warm_early(with_sockets(limit_bodies(get_asgi_application()))))
