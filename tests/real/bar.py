"""How exact the byte view is on real tokenizers, against brute force with the tokenizers themselves.

    python -m tests.real.bar [--texts 1000] [--seed 1] [NAME ...]

Every tokenizer stands around a tiny random model that is as wide as its vocabulary. What is measured goes to
``bar.json`` beside this file, one record for each tokenizer.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from tests.decoding.lone_view import LoneView
from tests.oracle_member import OracleMember
from tests.oracle_symbols import view_of
from tests.real.texts import texts
from tests.real.tokenizers import Standing
from tools.real_tokenizers import SOURCES

RECORD = Path(__file__).with_name("bar.json")
PROMPT = "What comes now?"
EPSILON = 1e-3
TOGETHER = 40  # texts that are asked about at once
ROW_BYTES = 1 << 27
EQUAL = 1e-6


@dataclass
class Figures:
    """What was found for one tokenizer.

    Attributes:
        texts: how many.
        heads: of all texts together, by brute force.
        several: texts at which more than one head counts.
        exact: the largest difference of a probability at epsilon 0 from brute force.
        rough: the largest total variation at the default epsilon from epsilon 0.
        beyond_bound: the largest excess of that over the reported bound.
        abstained: texts behind which the member abstained though it need not.
        rows: read for all texts together at epsilon 0, and at the default epsilon.
        probes: what the tokenizer needs behind a text.
        seconds: of the processor, with the brute force.
        worst: the texts that are wrong, with their kinds; the first few.
    """

    texts: int = 0
    heads: int = 0
    several: int = 0
    exact: float = 0.0
    rough: float = 0.0
    beyond_bound: float = 0.0
    abstained: int = 0
    rows: tuple[int, int] = (0, 0)
    probes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    worst: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the bar is met."""
        return self.exact <= EQUAL and self.rough < EPSILON and self.beyond_bound <= EQUAL and not self.abstained


def measure(standing: Standing, asked: Sequence[tuple[str, bytes]]) -> Figures:
    """Compare what a member says behind texts with what it should.

    Args:
        standing: the tokenizer, its checkpoint and the member.
        asked: kinds of texts, and texts.
    """
    member = standing.member
    start = time.process_time()
    judge = OracleMember(standing.checkpoint, tokenizer=standing.tokenizer)
    judge.model.double()  # ours is single: what differs is rounding
    prompt = member.render(PROMPT)
    exact, rough = (LoneView(member, epsilon, row_bytes=ROW_BYTES) for epsilon in (0.0, EPSILON))
    found = Figures(texts=len(asked), probes=[probe.decode() for probe in member.codec.probes])
    for begin in range(0, len(asked), TOGETHER):
        part = asked[begin : begin + TOGETHER]
        behind = [text for _, text in part]
        answers = zip(part, exact.read(PROMPT, behind), rough.read(PROMPT, behind), strict=True)
        for (kind, text), one, other in answers:
            want = view_of(judge).next_symbol(prompt, text, 0.0)
            heads = len(view_of(judge).heads(text))
            found.heads, found.several = found.heads + heads, found.several + (heads > 1)
            found.rows = (found.rows[0] + len(one.reads), found.rows[1] + len(other.reads))
            if want is None or one.abstains or other.abstains:
                found.abstained += 1
                found.worst.append(f"{kind}: {text!r} abstains")
                continue
            ours, coarse = exact.probs(one).numpy(), rough.probs(other).numpy()
            difference = float(np.abs(ours - np.array(want[0])).max())
            distance = float(0.5 * np.abs(ours - coarse).sum())
            found.exact, found.rough = max(found.exact, difference), max(found.rough, distance)
            found.beyond_bound = max(found.beyond_bound, distance - other.left_out)
            if difference > EQUAL or distance >= EPSILON:
                found.worst.append(f"{kind}: {text!r} {difference:.1e} {distance:.1e}")
        view_of(judge).known_paths.clear()
    found.worst = found.worst[:5]
    found.seconds = round(time.process_time() - start, 1)
    return found


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SOURCES)}; all of them by default")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    asked = texts(given.texts, given.seed)
    for name in given.names or SOURCES:
        with tempfile.TemporaryDirectory() as directory:
            standing = Standing(name, Path(directory))
            found = measure(standing, asked)
        print(f"{name}: {'holds' if found.holds else 'FAILS'}: {found}", flush=True)
        where = {"date": datetime.date.today().isoformat(), "machine": platform.machine(), "seed": given.seed}
        record = json.loads(RECORD.read_text("utf-8")) if RECORD.is_file() else {}
        record[name] = {**where, **asdict(found)}
        RECORD.write_text(json.dumps(dict(sorted(record.items())), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
