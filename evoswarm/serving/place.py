"""Where the server listens and who may ask: settled before any model is loaded."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from evoswarm.errors import RunError, Where
from evoswarm.user_files import read_text

PACKAGES = ("fastapi", "uvicorn", "prometheus_client")
"""What the server needs beside what everything needs."""

_KEYS_BYTES = 1 << 20
_BACKLOG = 2048


def require_packages() -> None:
    """Refuse a machine that lacks what the server is made of; nothing is imported.

    Raises:
        RunError: names the extra that brings it.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        message = f"expected {' and '.join(missing)} to be installed (serve needs it), got nothing"
        raise RunError(f"{message}: pip install 'evoswarm[serve]'")


def read_keys(file: Path) -> list[str]:
    """The keys of a file, one a line.

    Raises:
        RunError: it cannot be read, or has none, or one that no header can carry.
    """
    lines = read_text(file, limit=_KEYS_BYTES).splitlines()
    keys = [line.strip() for line in lines if line.strip()]
    if not keys:
        raise RunError("expected at least one key (one a line), got none", Where(str(file)))
    for number, line in enumerate(lines, start=1):
        if not all("!" <= sign <= "~" for sign in line.strip()):
            message = "expected a key of visible ASCII characters without spaces, got another text"
            raise RunError(message, Where(str(file), line=number))
    return keys


def require_key(host: str, keys: Sequence[str]) -> None:
    """Refuse to listen where others are without asking for a key.

    Raises:
        RunError: the host is not this machine's own alone, and there are no keys.
    """
    if not keys and not _is_loopback(host):
        raise RunError(
            f"expected --api-key-file beside it (others may reach it there), got {host!r:.100} alone", Where("--host")
        )


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket that listens: who comes before the models are loaded waits.

    Args:
        host: a name or an address.
        port: 0 is any that is free.

    Raises:
        RunError: there is no such host here, or the port is used or not to be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        got = getattr(error, "strerror", None) or error
        raise RunError(
            f"expected a name or an address of this machine, got {host!r:.100}: {got}", Where("--host")
        ) from None
    family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise RunError(f"expected a port that is free, got {port}, which is in use", Where("--port")) from None
        if error.errno == errno.EACCES:
            raise RunError(f"expected a port that you may listen on, got {port}", Where("--port")) from None
        raise RunError(
            f"expected an address of this machine, got {host!r:.100}: {error.strerror}", Where("--host")
        ) from None
    return bound


def address_of(bound: socket.socket) -> str:
    """Where clients find the interface, as their ``base_url``."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
