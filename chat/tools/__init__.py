"""Functions that a model may call while it answers, and the one place to add some of your own.

A site names its own in ``CHAT_TOOLS``: plain, typed Python functions that only read.
"""

from chat.tools.site import Asker, WebPage

__all__ = ["Asker", "WebPage"]
