"""The title that a file gives itself."""

import re
from pathlib import PurePosixPath

HEAD_BYTES = 4096  # of a file, in which its first heading is looked for
_HEADING = re.compile(r"^#\s+(.{1,200})$", re.MULTILINE)
_MARKDOWN = frozenset({".md", ".markdown"})


def first_heading(name: str, head: bytes) -> str:
    """The first heading of a Markdown file, from its first bytes; else empty."""
    if PurePosixPath(name).suffix.lower() not in _MARKDOWN:
        return ""
    found = _HEADING.search(head.decode("utf-8", "replace"))
    return found.group(1).strip(" #") if found else ""
