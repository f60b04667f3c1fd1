"""The WSGI application, for a server that has no ASGI; answers are then not streamed live."""

import os

from core.native import limit_threads

limit_threads()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

from django.core.wsgi import get_wsgi_application  # noqa: E402  (after the environment)

application = get_wsgi_application()
