"""What a peer's process does, whatever the peer: follows texts when it is told to, and says what it said at every byte.

Run by the peer's own interpreter, which need not have evoswarm: nothing of it is imported here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Follow = Callable[[bytes, bytes], NDArray[np.float64]]
"""Given a prompt and a text, ``[bytes of the text, 257]``: what the mix says before each byte, END last."""


def serve(load: Callable[[Sequence[str]], Follow]) -> None:
    """Load the members that the arguments name; then, for every line with (prompt, text) pairs, follow these.

    Args (of the process):
        a file for what was said, then the folders of the members.
    """
    out, *members = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints, answers are alone on their stream
    try:
        follow = load(members)
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            said = [follow(prompt.encode(), text.encode()) for prompt, text in json.loads(line)]
            np.save(Path(out), np.concatenate(said))
            print("done", file=answers, flush=True)
    except Exception as error:  # whatever the peer raises: whoever asked is told
        print(f"{type(error).__name__}: {error}".splitlines()[0], file=answers, flush=True)
        raise
