"""Become a program that ends with its supervisor: ``python launch.py PARENT NICENESS COMMAND…``.

Linux sends the signal asked for here when the parent is gone, even by ``kill -9``, and keeps the
wish across ``exec``. It is asked for in the child after ``exec`` and not between fork and exec,
where a threaded parent allows next to nothing. Elsewhere than on Linux, a killed supervisor leaves
its children.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Ask for SIGKILL when the parent ends; leave at once if it is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Take the place of this process with the command."""
    parent, niceness, *command = sys.argv[1:]
    end_with_parent(int(parent))
    os.nice(int(niceness))
    os.execv(command[0], command)  # noqa: S606  (the supervisor's own command, no shell)


if __name__ == "__main__":
    main()
