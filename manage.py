#!/usr/bin/env python
"""Django's command line, with the native libraries' limits and a clear word on bad settings."""

import os
import sys
from pathlib import Path

from core.native import limit_threads
from core.secret import data_dir, ensure_key, read_env_file

BASE_DIR = Path(__file__).resolve().parent
EX_CONFIG = 78  # sysexits.h: configuration error


def run_tests(arguments: list[str]) -> int:
    """``manage.py test [app …]`` is pytest: a label of an app means its folder of tests."""
    import pytest  # noqa: PLC0415  (a tool of development, absent from a running product)

    labels = [f"tests/{a}" if (BASE_DIR / "tests" / a).is_dir() else a for a in arguments]
    return int(pytest.main(labels))


def main() -> int:
    """Run one management command and return its exit status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    limit_threads()
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "test":
        return run_tests(sys.argv[2:])
    if command == "up":
        read_env_file(BASE_DIR)
        ensure_key(data_dir(BASE_DIR))
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415  (after the environment)
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"Footnote does not start: {error}\n")
        return EX_CONFIG
    return 0


if __name__ == "__main__":
    sys.exit(main())
