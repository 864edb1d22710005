"""Functions for a confined child to call."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def evaluator() -> Callable[[str], Any]:
    names = {
        "ctypes": ctypes,
        "os": os,
        "Path": Path,
        "signal": signal,
        "socket": socket,
        "subprocess": subprocess,
        "sys": sys,
        "time": time,
    }
    return lambda text: eval(text, names)


def adder(start: int) -> Callable[[int], int]:
    return lambda number: start + number


def refuses(message: str) -> Callable[[], None]:
    raise ValueError(message)
