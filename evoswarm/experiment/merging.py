"""Merged weights for R6: where they are written, loaded and thrown away again."""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from evoswarm.canonical import digest_of
from evoswarm.checkpoint import Description, Unfit
from evoswarm.checkpoint.likeness import shape_digest
from evoswarm.decoding.beside import Beside
from evoswarm.decoding.forward.devices import free_bytes, gpu_room, release_unused
from evoswarm.decoding.member import Content
from evoswarm.decoding.member.soup import Soup, soup_spec
from evoswarm.decoding.swarm import BESIDE_SHARE, Swarm
from evoswarm.durable import locked
from evoswarm.errors import MemberError, OutOfMemory, RunError
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.experiment.files.run_history import note_once
from evoswarm.experiment.workbench import Workbench
from evoswarm.member_spec import MemberSpec
from evoswarm.rivals.soups import MOST_MERGED, MergedRival, Merging, no_room
from evoswarm.run_directory import RunDirectory

PREFIX = ".evoswarm-merged-"
"""How the directory beside a ledger begins that holds merged weights while a champion is certified."""

NAME = "merged"
NOT_MERGED = "not_merged"
"""Event of a journal: members could be merged, but there was no room for it."""

_LOCK = "in-use.lock"
EACH, BYTES_PER_SECOND = 0.1, 3e7
"""Seconds that a merged model takes to be written, read and loaded however small it is, and its bytes a second, as
measured on one core with two models of 135 and 270 million parameters: most of it is loading."""

_MOMENT = 60.0
"""Seconds in which whoever makes a directory has locked it."""

_MEMORY_SPARE = 1.2
"""Times a model's weights: what must be free before one more is loaded."""

NOBODY_ALIKE = (
    "There are no merged weights: no two members of the pool have the same architecture, sizes and tokens, so there is "
    "no mean of their weights."
)
NOT_ASKED = (
    "No merged weights were tried, as the space leaves them out (certificate.merged is false): whether a mean of the "
    "members' weights is as good is not known."
)
ELSEWHERE = "There are no merged weights: the members are not loaded here, so their files are not known."


@contextmanager
def merger(bench: Workbench, note: Callable[[str], None] = lambda words: None) -> Iterator[Merger]:
    """Makes merged models while a champion is certified; what it wrote is gone at the end.

    What a process left that was killed is thrown away, too.

    Args:
        bench: whose members are merged.
        note: told what that takes, before the first model is written.
    """
    with ExitStack() as stack:
        ledger = bench.evaluator.ledger.path
        home = Path(tempfile.gettempdir()) if ledger == ":memory:" else Path(ledger).parent
        yield Merger(bench, stack, home, note)


class Alike:
    """Which members of a pool are of one shape.

    Args:
        bench: whose members are looked at.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    @cached_property
    def _contents(self) -> dict[str, Content]:
        """What the members' files hold, by name; empty where they are loaded elsewhere."""
        swarm = self._bench.swarm
        if not isinstance(swarm, Swarm) or not swarm.pool.contents:
            return {}
        return {facts.spec.name: content for facts, content in zip(swarm.facts, swarm.pool.contents, strict=True)}

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """See ``Merging``; exact copies count once."""
        if not self._bench.space.certificate.merged:
            return ()
        alike: dict[str, list[str]] = {}
        tokens = {facts.spec.name: facts.tokens for facts in self._bench.swarm.facts}
        for name, content in self._contents.items():
            with suppress(Unfit):
                shape = digest_of([tokens[name], shape_digest(Description(content.directory))])
                alike.setdefault(shape, []).append(name)
        distinct = [self._distinct(names) for names in alike.values() if len(names) > 1]
        return tuple(names for names in distinct if len(names) > 1)

    def _distinct(self, names: Sequence[str]) -> tuple[str, ...]:
        """Of members whose files hold the same the first."""
        found: dict[str, str] = {}
        for name in names:
            found.setdefault(self._contents[name].lines, name)
        return tuple(found.values())

    @property
    def absent(self) -> str:
        """See ``Merging``."""
        if self.groups:
            return ""
        if not self._bench.space.certificate.merged:
            return NOT_ASKED
        return NOBODY_ALIKE if self._contents else ELSEWHERE

    def _bytes(self, names: Sequence[str]) -> int:
        """Of one of these models, or of their mean, as files."""
        return self._contents[names[0]].weight_bytes("auto")

    @property
    def _free_name(self) -> str:
        """What no member is called, nor through its template."""
        name = NAME
        while any(spec.name.startswith(name) for spec in self._bench.pool):
            name = f"{NAME}-{name}"
        return name


class Merger(Alike):
    """See ``evoswarm.rivals.soups.Merging``. One merged model is on the disk at a time.

    Args:
        bench: whose members are merged.
        stack: ends with it.
        home: directory that takes a directory of its own.
        note: told what merging takes, once.
    """

    def __init__(
        self, bench: Workbench, stack: ExitStack, home: Path, note: Callable[[str], None] = lambda words: None
    ) -> None:
        super().__init__(bench)
        self._stack, self._home, self._note = stack, home, note
        self._noted = False
        self._last: tuple[tuple[str, ...], Swarm] | None = None  # who asks for the same again gets it as it is

    @cached_property
    def _place(self) -> Path:
        """A directory of its own, made when the first model is."""
        sweep(self._home)
        place = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._home))
        self._stack.callback(shutil.rmtree, place, ignore_errors=True)
        self._stack.enter_context(locked(place / _LOCK))
        return place

    def merged(self, names: Sequence[str], evaluator: Evaluator) -> tuple[MemberSpec, Evaluator]:
        """See ``Merging``; where the ledger knows the model already, it is written when somebody decodes with it."""
        swarm = self._merged(tuple(names))
        return swarm.specs[0], evaluator.over(Beside(self._bench.swarm, self._bench.evaluator.ledger, [swarm]))

    def _merged(self, names: tuple[str, ...]) -> Swarm:
        """The model as a decoder: the last one, if it is that."""
        if self._last is not None and self._last[0] == names:
            return self._last[1]
        self._last = None  # there need not be room for two
        bench, ledger = self._bench, self._bench.evaluator.ledger
        specs = {spec.name: spec for spec in bench.swarm.specs}
        place = self._place / digest_of(list(names))[:16]
        fingerprints = [str(specs[name].fingerprint) for name in names]
        self._clear(place)
        sources = [self._contents[name].directory for name in names]
        soup = Soup(sources, place, fingerprints, ledger, self._announce)
        spec = soup_spec(specs[names[0]], self._free_name, soup)
        swarm = Swarm.load(
            [spec],
            **bench.space.decoding.model_dump(),
            store=ledger,
            on_load=lambda loading: self._make(soup, spec, names[0]),
            contents=[soup],
            share=BESIDE_SHARE,
        )
        swarm.counters = bench.swarm.counters
        self._last = names, swarm
        return swarm

    def _announce(self) -> None:
        """Say what it takes to merge, before the first model is written."""
        if self._noted:
            return
        self._noted = True
        count, largest = sum(_soups(names) for names in self.groups), max(map(self._bytes, self.groups))
        models = "1 merged model" if count == 1 else f"{count} merged models, one at a time,"
        alike = "; ".join(", ".join(names) for names in self.groups)
        self._note(
            f"rival R6: of one shape are {alike}. About {models} of up to {largest / 1e6:,.1f} MB will be written below"
            f" {str(self._place)!r}, loaded beside the pool, asked and removed;"
            " `certificate: {merged: false}` leaves this rival out"
        )

    def loaded(self, soup: MergedRival) -> MergedRival:
        """The merged model in memory, to be asked other items; where there is no room for it, why it is no rival."""
        if soup.rival is None:
            return soup
        try:
            swarm = self._merged(soup.members)
            swarm.ready()
        except (MemberError, OutOfMemory) as error:
            return MergedRival(absent=no_room(error))
        swarm.forget()
        return soup

    def beside(self, bench: Workbench, soup: MergedRival) -> Workbench:
        """The bench with an evaluator that knows a merged model too, where there is one."""
        if soup.rival is None:
            return bench
        return replace(bench, evaluator=self.merged(soup.members, bench.evaluator)[1])

    def _clear(self, but: Path) -> None:
        """Throw away the models before."""
        for other in self._place.iterdir():
            if other.is_dir() and other != but:
                shutil.rmtree(other, ignore_errors=True)

    def _make(self, soup: Soup, spec: MemberSpec, like: str) -> None:
        """Write the weights in place of those of the model before; there must be room to load them.

        Args:
            soup: to be written.
            spec: of it.
            like: name of the member whose settings it has.

        Raises:
            MemberError: there is none.
        """
        self._clear(soup.directory)
        gc.collect()  # a model that nobody asks any more is let go of
        release_unused()
        device = next(one.device for one in self._bench.swarm.facts if one.spec.name == like)
        dtype = "float32" if spec.dtype == "auto" and not device.startswith("cuda") else spec.dtype
        open_to = gpu_room() if spec.device == "auto" else {}  # it goes where most room is
        needed, free = int(_MEMORY_SPARE * soup.weight_bytes(dtype)), max(open_to.values(), default=free_bytes(device))
        if free >= needed:
            soup.write()
        else:
            raise MemberError(
                f"expected {needed:,} bytes of free memory on {device} to load one more model, got {free:,}"
            )


class Pretender(Alike):
    """Merges nothing: a member that nobody has asked yet stands in for each merged model, to see what asking takes."""

    def merged(self, names: Sequence[str], evaluator: Evaluator) -> tuple[MemberSpec, Evaluator]:
        """See ``Merging``."""
        own = self._bench.swarm
        assert isinstance(own, Swarm)  # nobody else's members are known to be alike
        number = next(number for number, spec in enumerate(own.specs) if spec.name == names[0])
        limits = self._bench.space.decoding.model_dump(exclude={"batch_tokens"})
        swarm = Swarm(own.pool.stand_in(number, self._free_name), **limits, share=BESIDE_SHARE)
        swarm.counters = own.counters
        return swarm.specs[0], evaluator.over(Beside(own, evaluator.ledger, [swarm]))

    @property
    def seconds(self) -> float:
        """That merging and loading will take, about."""
        return sum(self._seconds_of(names) for names in self.groups)

    def _seconds_of(self, names: Sequence[str]) -> float:
        """Of one group."""
        return _soups(names) * (EACH + self._bytes(names) / BYTES_PER_SECOND)


def _soups(names: Sequence[str]) -> int:
    """Models made of one group: a greedy soup grows member by member; of more than two there is a uniform one, too."""
    most = min(len(names), MOST_MERGED)
    return most - 1 + (most > 2)


def as_noted(merging: Merger, run: RunDirectory) -> Merging:
    """It makes what it can; where there was no room once, none is made in this run again: the journal says so."""
    known = run.last(NOT_MERGED)
    return merging if known is None else Refused(str(known["why"]))


def note_refusal(merging: Merging, soup: MergedRival, run: RunDirectory) -> None:
    """Write down that there was no room, before it acts; what was left out for what it scored is so again."""
    if merging.groups and soup.rival is None and not soup.members:
        note_once(run, NOT_MERGED, why=soup.absent)


@dataclass(frozen=True)
class Refused:
    """Makes nothing. See ``evoswarm.rivals.soups.Merging``.

    Attributes:
        absent: why.
    """

    absent: str
    groups: tuple[tuple[str, ...], ...] = ()

    def merged(self, names: Sequence[str], evaluator: Evaluator) -> tuple[MemberSpec, Evaluator]:
        """Never asked."""
        raise MemberError(self.absent)


def sweep(home: Path) -> None:
    """Throw away what processes left that were killed: it is not of this moment, and nobody holds its lock."""
    for left in home.glob(f"{PREFIX}*"):
        with suppress(RunError, OSError):
            if left.is_symlink() or not left.is_dir() or time.time() - left.stat().st_mtime < _MOMENT:
                continue
            with locked(left / _LOCK):
                shutil.rmtree(left, ignore_errors=True)
