"""Whose machine an address names."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host's name or number is this machine's own. Nothing is looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_inside(base_url: str, hosts: Sequence[str]) -> bool:
    """Whether a model belongs to the house: on this machine, or at one of these hosts.

    An empty address is the provider's own, and outside.
    """
    try:
        host = (urlsplit(base_url).hostname or "").rstrip(".")
    except ValueError:
        return False
    return bool(host) and (is_loopback(host) or host in hosts)
