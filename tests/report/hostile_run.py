"""A run as a stranger could send it: every text that no reader checks tries to get out of the page.

    python -m tests.report.hostile_run RUN FOLDER

What texts are made of depends on what they were, so what was equal (the name of an individual and those of its
children's parents) stays equal, and the run can still be read.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from ruamel.yaml import YAML

ATTACKS = (
    "{}<script>alert(1)</script>",
    '{}"><img src=x onerror=alert(1)>',
    "{}'><svg/onload=alert(1)>",
    "{}</script><script>alert(1)</script>",
    "{}</style></title></textarea><b>bold</b>",
    "{}<!--<script>",
    "{}-->",
    "{}]]>",
    "{}`${{alert(1)}}`",
    '{}\\";alert(1);//',
    "javascript:alert(1)//{}",
    "https://example.org/{}",
    "&lt;img src=x onerror=alert(1)&gt;{}",
    "\u202e{}\u2066\u200f\ufeff",
    "\ud800{}\udfff",  # lone surrogates, which no file of UTF-8 holds but an escape of JSON does
    "\x00{}\x00\x1b[31m\x07\x7f",
    "\u2028{}\u2029\r\n\t",
    "{}__proto__",
    "%s%n{{{{7*7}}}}{}",
)
LONG = 100_000  # characters, without a place to break
LONG_KEYS = ("description", "question", "gold", "answer", "sentence")
CHECKED = {
    "alphabet",
    "by",
    "date",
    "device",
    "dtype",
    "ending",
    "event",
    "gate",
    "key",
    "kind",
    "lead",
    "outcome",
    "policy",
}
CHECKED |= {"prompt_format", "role", "rule", "split"}
"""Keys whose texts readers compare with what they may be."""
CHECKED_TEXT = re.compile(r"[0-9a-f]{32,64}|")
STRICT = ("certificate.json", "champion.json", "traces.jsonl", "alone.json")
"""Files whose reader takes no lone surrogates, as are those of policies."""
DIRECTORY = "<img src=x onerror=alert(1)>'\"&amp; #?%2e"


def hostile_run(run: Path, folder: Path) -> Path:
    """Copy a run into a folder and spoil the copy.

    Args:
        run: the directory of a finished run.
        folder: where the copy is made, under a name that is an attack itself.

    Returns:
        The directory of the copy.
    """
    copy = folder / DIRECTORY
    shutil.copytree(run, copy)
    yaml = YAML(typ="safe", pure=True)
    space = yaml.load((copy / "space.yaml").read_text(encoding="utf-8"))
    names = {space["name"], *(one["name"] for one in (*space["pool"], *space["tasks"]))}
    loose, strict = _Spoilt(names, ATTACKS), _Spoilt(names, [one for one in ATTACKS if "\ud800" not in one])
    space["description"] = "<script>alert(1)</script>" + LONG * "y"
    space["tracking"]["experiment"] = '"><img src=x onerror=alert(1)>'
    for member in space["pool"]:
        member["path"] = '"><img src=x onerror=alert(1)>'
    for task in space["tasks"]:
        task["stop"] = ["</script>", "]]>"]
    with (copy / "space.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(space, file)
    for path in sorted(copy.rglob("*.json*")):
        texts = [path.read_text(encoding="utf-8")]
        lines = texts[0].splitlines() if path.suffix == ".jsonl" else texts
        spoilt = strict if path.name in STRICT or path.parent != copy else loose
        made = [json.dumps(spoilt.of(json.loads(line))) for line in lines]
        path.write_text("\n".join(made) + "\n", encoding="utf-8")
    return copy


class _Spoilt:
    """Spoils data; texts of the same words become the same.

    Args:
        names: of what is checked by its name: members, tasks, the space.
        attacks: texts around a text.
    """

    def __init__(self, names: Collection[str], attacks: Sequence[str]) -> None:
        self._names, self._attacks, self._long = names, attacks, set(LONG_KEYS)

    def of(self, data: Any, key: str = "") -> Any:
        """Data with its texts spoilt, but for those that readers check; keys of mappings stay."""
        if isinstance(data, dict):
            return {name: self.of(value, name) for name, value in data.items()}
        if isinstance(data, list):
            return [self.of(value, key) for value in data]
        if not isinstance(data, str) or key in CHECKED or data in self._names or CHECKED_TEXT.fullmatch(data):
            return data
        if key in self._long:  # once each
            self._long.remove(key)
            data += LONG * "x"
        return self._attacks[crc32(data.encode()) % len(self._attacks)].format(data)


if __name__ == "__main__":
    print(hostile_run(Path(sys.argv[1]), Path(sys.argv[2])))
