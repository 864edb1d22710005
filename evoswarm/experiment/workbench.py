"""A search space made ready for work: tasks with their items, the loaded swarm, and an evaluator over a ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from evoswarm.decoding.beside import Beside
from evoswarm.decoding.decoder import Decoder, FactStore
from evoswarm.decoding.pool import OnLoad
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RecipeError
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.mixes import TransientFailures
from evoswarm.experiment.drawn import Drawn, draw
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.gold.paths import GoldPaths
from evoswarm.gold.rows import GoldRows
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy
from evoswarm.policies.alphabets import automatic
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item, SplitName, Task

P = TypeVar("P", bound=Policy)


@dataclass
class Workbench:
    """A space made ready.

    Attributes:
        asked: the space as it was asked for, its alphabet known.
        space: the same with the members' fingerprints filled in.
        tasks: by name.
        items: per split, of those that were asked for.
        swarm: the loaded pool.
        evaluator: scores recipes.
        lent: the swarm is somebody else's, who may have other searches for it.
        progress: told what is being done.
        fits_taken: items and seconds of every fit to right answers that was made here.
    """

    asked: SearchSpace
    space: SearchSpace
    tasks: Mapping[str, Task]
    items: Mapping[SplitName, Sequence[Item]]
    swarm: Decoder
    evaluator: Evaluator
    lent: bool = False
    progress: Progress = SILENT
    fits_taken: list[tuple[int, float]] = field(default_factory=list, init=False)

    @property
    def pool(self) -> tuple[MemberSpec, ...]:
        """The members, as loaded."""
        return self.space.pool

    def on_other_items(self) -> None:
        """What was asked so far is asked no more: it is forgotten what members have read of it, if nobody wants it."""
        if not self.lent:
            self.swarm.forget()

    @cached_property
    def gold_paths(self) -> GoldPaths:
        """Rows along the right answers of the splits, and what greedy mixes come to on them; read when asked for."""
        return GoldPaths(self.swarm, self.space, self.items, self.tasks, between=self._reading)

    def gold(self, split: SplitName) -> GoldRows | None:
        """What all members say along the right answers of a split's items, in the space's first alphabet.

        Returns:
            The rows, read once; None where there are none (see `GoldPaths.why_not`).

        Raises:
            MemberError: a member cannot be loaded.
            Stopped: Ctrl-C.
        """
        return self.gold_paths.rows(split)

    def _reading(self, number: int, count: int) -> None:
        """Some right answers are about to be read."""
        self.evaluator.go_on()
        self.progress.at("reading right answers", number, count)

    def as_deployed(self) -> Workbench:
        """The same with an evaluator that knows the members through their own chat templates, too."""
        return replace(self, evaluator=self.evaluator.over(Beside(self.swarm, self.evaluator.ledger)))

    def bound(self, policy: P) -> P:
        """The policy with its members' specs as this pool has them loaded.

        Raises:
            RecipeError: the pool lacks a member, or has another model under its name.
        """
        names = [spec.name for spec in self.pool]
        for spec in policy.specs:
            if spec.name not in names:
                raise RecipeError(f"expected members of the pool ({', '.join(names)}), got {spec.name!r}")
        for task in self.tasks:
            for recipe in policy.mixes(task):
                self.swarm.check(recipe)
        return policy.bound({spec.name: spec for spec in self.pool})


@contextmanager
def workbench(
    space: SearchSpace,
    ledger: Path | str,
    *,
    splits: Sequence[SplitName] = ("search", "selection"),
    transient: TransientFailures | None = None,
    stop: Callable[[], bool] | None = None,
    progress: Progress = SILENT,
    swarm: Decoder | None = None,
    drawn: Drawn | None = None,
    lent: bool = False,
) -> Iterator[Workbench]:
    """Make a space ready; the ledger is let go at the end.

    Args:
        space: checked already.
        ledger: the ledger's file, or ``":memory:"``.
        splits: whose items are wanted; those of the others stay unseen.
        transient: failures owed to device and time.
        stop: asked now and then; True ends the work with ``evoswarm.evaluation.mixes.Stopped``.
        progress: told what is being done.
        swarm: the pool, loaded already; None loads it, or, where the ledger knows its members, leaves that to whoever
            decodes first.
        lent: others go on with that pool, and with what it has read.
        drawn: the space's items, read already; None reads them.

    Raises:
        EvoswarmError: a task, a member or the ledger is not what it should be.
    """
    drawn = draw(space, progress) if drawn is None else drawn
    items = {split: drawn.items[split] for split in splits}
    with Ledger(ledger) as open_ledger:
        if swarm is None:
            swarm = find_members(space, open_ledger, progress)
        elif not _same_pool(space.pool, swarm.specs):
            raise ValueError(f"expected a swarm of the pool of {space.name}, got one of other members")
        asked = in_its_alphabet(space, swarm)
        loaded = asked.model_copy(update={"pool": swarm.specs})
        evaluator = Evaluator(swarm, drawn.tasks, open_ledger, transient=transient, stop=stop, tell=progress.decoding)
        yield Workbench(asked, loaded, drawn.tasks, items, swarm, evaluator, lent, progress)


def in_its_alphabet(space: SearchSpace, swarm: Decoder) -> SearchSpace:
    """The space with what ``alphabet: auto`` is for its pool: ``tokens`` where its recipes could be decoded in them."""
    return space.resolved(automatic(one_tokenizer=len({member.tokens for member in swarm.facts}) == 1))


def find_members(space: SearchSpace, store: FactStore, progress: Progress) -> Decoder:
    """The pool of a space as ``load_swarm`` has it; files that have to be fetched and read first may take a while.

    Raises:
        MemberError: see ``load_swarm``.
    """
    count = len(space.pool)
    progress.enter("loading", f"looking at the files of {count} member{'' if count == 1 else 's'}")
    return load_swarm(space, store, on_load=progress.loading)


def load_swarm(space: SearchSpace, store: FactStore | None = None, on_load: OnLoad = lambda member: None) -> Decoder:
    """The pool of a space, within its limits and its caller's trust; see ``Swarm.load``.

    Raises:
        MemberError: a member cannot be loaded, or needs code that the caller does not trust.
    """
    return Swarm.load(
        space.pool,
        **space.decoding.model_dump(),
        store=store,
        on_load=on_load,
        trust_remote_code=space.trust.remote_code,
    )


def _same_pool(asked: Sequence[MemberSpec], loaded: Sequence[MemberSpec]) -> bool:
    """Whether a loaded pool is the one that is asked for: the same places, told the same."""
    return len(asked) == len(loaded) and all(
        one.path == other.path and one.says_as(other) for one, other in zip(asked, loaded, strict=True)
    )
