"""Whether two sets of finished runs say the same: what to run before and after a change that must change no answer.

    python -m tools.same_answers BEFORE AFTER

Every run directory of BEFORE is looked for under the same name in AFTER, and its lineage, front and certificate are
compared: values and their order, to the bit. What may differ is named: digests, versions, and keys that only the newer
one has. A line per run and file says what differs; the exit status is 1 where anything does.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILES = ("individuals.jsonl", "front.json", "certificate.json")
VERSIONS = frozenset({"evoswarm", "decoding", "version"})
_DIGEST = re.compile(r"[0-9a-f]{12,64}")


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What differs between two pieces of JSON data, a line each; keys that only ``after`` has are an addition."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in VERSIONS:
                continue
            if key in after:
                yield from differences(value, after[key], f"{path}.{key}" if path else key)
            else:
                yield f"{path}.{key}: gone"
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{path}: {len(before)} entries before, {len(after)} after"
        for place, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from differences(one, other, f"{path}[{place}]")
    elif before != after and not _digests(before, after):
        yield f"{path}: {before!r:.60} before, {after!r:.60} after"


def compare_runs(before: Path, after: Path) -> dict[str, list[str]]:
    """What differs between two run directories, by file; a file that neither has is left out."""
    found = {}
    for name in FILES:
        texts = [run / name for run in (before, after)]
        if not any(file.exists() for file in texts):
            continue
        missing = [str(file) for file in texts if not file.exists()]
        found[name] = [f"missing: {missing[0]}"] if missing else list(differences(*map(_read, texts)))
    return found


def _read(file: Path) -> Any:
    text = file.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if file.suffix == ".jsonl" else json.loads(text)


def _digests(before: Any, after: Any) -> bool:
    """Whether both are digests: of the same thing, in another form."""
    return all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in (before, after))


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    asked = parser.parse_args()
    runs = sorted(file.parent.name for file in asked.before.glob(f"*/{FILES[0]}"))
    different = 0
    for name in runs:
        for file, lines in compare_runs(asked.before / name, asked.after / name).items():
            different += bool(lines)
            print(f"{name} {file}: {'same' if not lines else f'{len(lines)} differences, first {lines[0]}'}")
    print(f"{len(runs)} runs, {different} files differ" if runs else "no run to compare")
    return 1 if different or not runs else 0


if __name__ == "__main__":
    raise SystemExit(main())
