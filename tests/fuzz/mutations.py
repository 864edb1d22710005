"""Ways to spoil what is read from files: data, text, bytes, and the files of a folder. Seeded, and said in words."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

ODD: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 0.5,
    lambda: 2**63,
    lambda: -(10**40),
    lambda: 1e308,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: "",
    lambda: " ",
    lambda: "\n",
    lambda: "\x00",
    lambda: "\ud800",
    lambda: "1e3",
    lambda: "x" * 5000,
    lambda: "/dev/zero",
    lambda: "../..",
    lambda: "zoo:llama-a",
    lambda: "{{ x }",
    lambda: "{prompt}{x!r:>99999}",
    lambda: "(a+)+$",
    list,
    dict,
    lambda: [[]],
    lambda: {"a": 1},
    lambda: [1] * 3000,
    lambda: [1] * 200_000,
    lambda: {f"k{number}": number for number in range(20_000)},
    lambda: _nested(60),
    lambda: _nested(400),
)
"""Values that hardly any field expects."""

Place = tuple[Any, Any]
"""A container and the key or index of something in it."""


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def spoil_data(data: Any, chance: Random) -> tuple[Any, str]:
    """Change one place of data as JSON or YAML holds it; returns what became of it, and what was done."""
    places = list(_places(data))
    if not places:
        return chance.choice(ODD)(), "something else altogether"
    holder, key = chance.choice(places)
    change = chance.choice(_DATA_CHANGES)
    done = change(holder, key, chance)
    return data, f"{change.__name__.strip('_')} at {key!r:.60}: {done!r:.80}"


def _places(data: Any) -> Iterator[Place]:
    """All of them, few of each long list, so that every field has its turn."""
    if isinstance(data, dict):
        keys: list[Any] = list(data)
    elif isinstance(data, list):
        keys = list(range(len(data)))
    else:
        return
    if len(keys) > 40:
        keys = keys[:20] + keys[-20:]
    for key in keys:
        yield data, key
        yield from _places(data[key])


def _replace(holder: Any, key: Any, chance: Random) -> Any:
    holder[key] = chance.choice(ODD)()
    return holder[key]


def _remove(holder: Any, key: Any, chance: Random) -> Any:
    return holder.pop(key)


def _rename(holder: Any, key: Any, chance: Random) -> Any:
    name = chance.choice(["", "nobody", str(key) + "s", str(key).upper(), "\u00e9", "__class__"])
    if isinstance(holder, dict):
        holder[name] = holder.pop(key)
    else:
        holder.insert(key, name)
    return name


def _wrap(holder: Any, key: Any, chance: Random) -> Any:
    holder[key] = chance.choice([[holder[key]], {"a": holder[key]}, str(holder[key])])
    return holder[key]


def _swap(holder: Any, key: Any, chance: Random) -> Any:
    other = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[key], holder[other] = holder[other], holder[key]
    return other


def _scale(holder: Any, key: Any, chance: Random) -> Any:
    value = holder[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _replace(holder, key, chance)
    holder[key] = chance.choice([-value, value + 1, value * 1_000_003, value / 7, -value - 1])
    return holder[key]


def _repeat(holder: Any, key: Any, chance: Random) -> Any:
    value = holder[key]
    if isinstance(value, str | list):
        holder[key] = value * chance.choice([2, 300])
    else:
        holder[key] = [value] * chance.choice([2, 300])
    return type(value).__name__


def _cut(holder: Any, key: Any, chance: Random) -> Any:
    value = holder[key]
    if isinstance(value, str | list) and value:
        holder[key] = value[: chance.randrange(len(value))]
        return len(holder[key])
    return _remove(holder, key, chance)


_DATA_CHANGES = (_replace, _replace, _replace, _remove, _rename, _wrap, _swap, _scale, _scale, _repeat, _cut)


def spoil_bytes(content: bytes, chance: Random) -> tuple[bytes, str]:
    """Change bytes without a thought for what they mean."""
    change = chance.choice(_BYTE_CHANGES)
    return change(content, chance), change.__name__.strip("_")


def _place(content: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + chance.choice([1, 2, 8, 64, 500]))


def _truncate(content: bytes, chance: Random) -> bytes:
    return content[: _place(content, chance)[0]]


def _flip(content: bytes, chance: Random) -> bytes:
    start, _ = _place(content, chance)
    return content[:start] + bytes([chance.randrange(256)]) + content[start + 1 :]


def _drop(content: bytes, chance: Random) -> bytes:
    start, end = _place(content, chance)
    return content[:start] + content[end:]


def _double(content: bytes, chance: Random) -> bytes:
    start, end = _place(content, chance)
    return content[:end] + content[start:]


def _insert(content: bytes, chance: Random) -> bytes:
    start, _ = _place(content, chance)
    odd = [
        b"\x00",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\n",
        b"\r",
        b"\t",
        b'"',
        b"{",
        b"]",
        b": ",
        b"- ",
        b"&a *a ",
        b"!!x ",
    ]
    return content[:start] + chance.choice(odd) + content[start:]


def _mark(content: bytes, chance: Random) -> bytes:
    return chance.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b\x08", b"PK\x03\x04", b"\x80\x04"]) + content


def _line_ends(content: bytes, chance: Random) -> bytes:
    return content.replace(b"\n", chance.choice([b"\r\n", b"\r", b"", b"\n\n", b"\n  "]))


def _shuffle_lines(content: bytes, chance: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def _empty(content: bytes, chance: Random) -> bytes:
    return b""


def _noise(content: bytes, chance: Random) -> bytes:
    return chance.randbytes(chance.choice([1, 40, 3000]))


_BYTE_CHANGES = (
    *(_truncate, _truncate, _flip, _flip, _flip, _drop, _drop, _double, _insert, _insert, _insert, _mark),
    *(_line_ends, _shuffle_lines, _empty, _noise),
)


def spoil_json_file(file: Path, chance: Random) -> str:
    """Change a file of JSON or of JSON lines: its data mostly, else its bytes."""
    if chance.random() < 0.25:
        return spoil_file(file, chance)
    lines = file.suffix == ".jsonl"
    text = file.read_text("utf-8")
    parts = [line for line in text.splitlines() if line] if lines else [text]
    number = chance.randrange(len(parts))
    data, done = spoil_data(json.loads(parts[number]), chance)
    parts[number] = json.dumps(data, ensure_ascii=True)
    file.write_text("\n".join(parts) + "\n", encoding="utf-8")
    return f"{file.name}: {done}"


def spoil_file(file: Path, chance: Random) -> str:
    """Change the bytes of a file."""
    content, done = spoil_bytes(file.read_bytes(), chance)
    file.write_bytes(content)
    return f"{file.name}: {done}"


def spoil_folder(folder: Path, chance: Random) -> str:
    """Do to a folder what happens to folders: a file is gone, is another, or is no file any more."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    file, other = chance.choice(files), chance.choice(files)
    change = chance.choice(
        ["gone", "another", "a folder", "a link to nowhere", "a link to itself", "a pipe", "a device"]
    )
    if change == "another":
        shutil.copyfile(other, file) if other != file else None
        return f"{file.name} is {other.name}"
    file.unlink()
    if change == "a folder":
        file.mkdir()
    elif change == "a link to nowhere":
        file.symlink_to(folder / "nowhere")
    elif change == "a link to itself":
        file.symlink_to(file.name)
    elif change == "a pipe":
        os.mkfifo(file)
    elif change == "a device":
        file.symlink_to("/dev/zero")
    return f"{file.name} is {change}"
