"""What the command ``serve`` does: checks, loads, answers until it is stopped."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evoswarm.cli.showing.terminal import columns, fitted
from evoswarm.experiment.loadable import check_recipe
from evoswarm.serving.offered import Offers, offers
from evoswarm.serving.place import address_of, bound_socket, read_keys, require_key, require_packages

if TYPE_CHECKING:
    from evoswarm.cli.telling.narrator import Narrator
    from evoswarm.serving.limits import ServingLimits

_SHOWN = 8
"""Names of models in the line that says where they are."""


@dataclass(frozen=True)
class Checked:
    """What can be known before a model is loaded, and the socket that nobody else can take any more."""

    offers: Offers
    keys: tuple[str, ...]
    bound: socket.socket


def check_serve(
    policies: Sequence[Path],
    host: str,
    port: int,
    key_file: Path | None,
    *,
    members: bool,
    trust_remote_code: bool,
) -> Checked:
    """Refuse what cannot be served, as far as files and the machine say.

    Raises:
        EvoswarmError: a package, a policy or a member is missing or unfit, two have one name, or there is no such place
            to listen, or none that may be used without a key.
    """
    require_packages()
    keys = () if key_file is None else tuple(read_keys(key_file))
    require_key(host, keys)
    found = offers([(path, check_recipe(path, trust_remote_code)) for path in policies], members=members)
    return Checked(found, keys, bound_socket(host, port))


def run_serve(
    checked: Checked, limits: ServingLimits, narrator: Narrator, *, allow_changed: bool, trust_remote_code: bool
) -> None:
    """Load what is offered and serve it until it is told to stop.

    Raises:
        EvoswarmError: a member cannot be loaded.
    """
    from evoswarm.answering.engine import Engine
    from evoswarm.decoding.forward.devices import silence_loading
    from evoswarm.serving.app import make_app
    from evoswarm.serving.run import Service
    from evoswarm.serving.warming import warm
    from evoswarm.serving.worker import EngineThread

    silence_loading()
    engine = Engine.load(
        {name: one.source for name, one in checked.offers.items()},
        trust_remote_code=trust_remote_code,
        allow_changed=allow_changed,
        on_load=narrator.progress.loading,
    )
    narrator.enter("decoding", "a first question to every model")
    warm(engine, checked.offers)
    thread = EngineThread(engine, limits)
    app = make_app(thread, checked.offers, limits, checked.keys)
    names = list(checked.offers)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    narrator.note(f"serving {', '.join(names[:_SHOWN])}{more} at {address_of(checked.bound)}")
    narrator.rest()
    Service(app, thread, checked.bound, limits, _tell).run()


def _tell(text: str) -> None:
    print("\n".join(fitted(text, columns(sys.stderr))), file=sys.stderr, flush=True)
