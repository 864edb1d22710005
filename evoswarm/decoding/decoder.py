"""What a search needs of a swarm, in plain data and without torch: another process can stand behind it."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol, Self

from evoswarm.checkpoint import Generation
from evoswarm.decoding.request import Along, Completion, Counters, MemberShape, Request
from evoswarm.errors import MemberError, RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.alphabets import ALPHABETS
from evoswarm.policies.mix import Recipe

OnDone = Callable[[Sequence[int], Sequence[Completion]], None]


@dataclass(frozen=True)
class MemberFacts:
    """What a member is, as it showed when it was loaded.

    Attributes:
        spec: where it came from, its fingerprint filled in.
        device: where it is, or will be.
        dtype: of the loaded weights.
        shape: what its cost is computed from.
        tokens: digest of what its tokens spell, and which of them end an answer.
        generation: how its owner's answers are decoded, by its files.
    """

    spec: MemberSpec
    device: str
    dtype: str
    shape: MemberShape
    tokens: str
    generation: Generation = field(default_factory=Generation)

    @classmethod
    def from_json(cls, text: str, spec: MemberSpec, device: str) -> Self:
        """Read ``to_json`` back for a member that is the same but for its name and its place."""
        data = json.loads(text)
        shape, generation = MemberShape(**data["shape"]), Generation.from_json(data["generation"])
        return cls(spec, device, data["dtype"], shape, data["tokens"], generation)

    def to_json(self) -> str:
        """What does not depend on where the member lies and what it is called."""
        generation = self.generation.to_json()
        known = {"dtype": self.dtype, "shape": asdict(self.shape), "tokens": self.tokens, "generation": generation}
        return json.dumps(known)


@dataclass(frozen=True)
class SymbolFacts:
    """What a recipe chooses between at every step.

    Attributes:
        symbols: how many there are, END left out.
        tokens: by member, how many tokens it has that spell something.
        decomposed: by member, how many of these are several symbols.
    """

    symbols: int
    tokens: Mapping[str, int]
    decomposed: Mapping[str, int]


class FactStore(Protocol):
    """Where facts outlive a process: a :class:`~evoswarm.evaluation.ledger.Ledger`."""

    def facts(self, digests: Sequence[str]) -> Mapping[str, str]:
        """What is kept under these digests."""
        ...

    def keep(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """Keep what is new; the first write wins, and comes back."""
        ...


class MemoryKept(NamedTuple):
    """Memory that grows with what is read.

    Attributes:
        bytes: now in use.
        limit: of them.
    """

    bytes: int
    limit: int


class Decoder(Protocol):
    """A loaded pool that decodes: a :class:`~evoswarm.decoding.swarm.Swarm`, or whoever asks one elsewhere.

    An executor inherits from this class and says what stands without a body here. All arguments and results can be
    pickled, ``stop_after`` and ``on_done`` apart; so can the errors.

    Attributes:
        counters: what the engine has done since it was made.
    """

    counters: Counters

    @property
    @abstractmethod
    def facts(self) -> tuple[MemberFacts, ...]:
        """The members, in the order of the pool; known without loading them."""

    @abstractmethod
    def decode(
        self,
        requests: Sequence[Request],
        *,
        stop_after: Callable[[], bool] | None = None,
        on_done: OnDone | None = None,
    ) -> list[Completion]:
        """Decode all requests together.

        Args:
            requests: recipes on prompts, in any mix; many at once is what this is for.
            stop_after: asked now and then; once true, unfinished requests fail with ``time_out``.
            on_done: told of completions as soon as they are there, by the positions of their requests, each at most
                once. Who cannot tell does not: what counts is what is returned.

        Returns:
            completions in the order of the requests.

        Raises:
            RecipeError: a recipe asks for what the pool does not have.
            DoesNotFit: there is no memory for so many requests at once.
            MemberError: a member cannot be loaded.
        """

    @property
    @abstractmethod
    def context_lengths(self) -> Mapping[str, int | None]:
        """How many tokens each member can read, by name; None where nothing limits it."""

    @abstractmethod
    def prompt_lengths(self, member: str, prompts: Sequence[str]) -> list[int]:
        """Tokens of each prompt as a member renders it; 0 where its chat template refuses the prompt."""

    @abstractmethod
    def rendered(self, member: str, prompts: Sequence[str]) -> list[str]:
        """Each prompt as a member reads it, its special tokens spelled out; "" where its chat template refuses it."""

    @abstractmethod
    def silenced(self, prompts: Sequence[str]) -> dict[str, float]:
        """Share of each member's first step that goes to special tokens, which are never spelled; by name.

        Args:
            prompts: as recipes would hand them to members. Those that a member cannot read are left out.
        """

    @abstractmethod
    def symbols(self, recipe: Recipe) -> SymbolFacts:
        """What a recipe chooses between, and whose tokens must be taken apart for it.

        Raises:
            RecipeError: it asks for what the pool does not have.
        """

    def steps_along(self, requests: Sequence[Request]) -> Sequence[int] | None:
        """How many rows of each member texts have at most; nothing is read. None where this is not offered.

        Args:
            requests: see ``rows_along``.

        Returns:
            In their order; 0 where the lead cannot spell a text.
        """
        return None

    def rows_along(self, requests: Sequence[Request]) -> Along | None:
        """What the members of a mix say along texts, each text read as one chunk; None where this is not offered.

        Args:
            requests: of one recipe, each with a text to follow (``forced``).

        Raises:
            RecipeError: the recipe asks for what the pool does not have.
            DoesNotFit: there is no memory for so many at once.
            MemberError: a member cannot be loaded.
        """
        return None

    @property
    @abstractmethod
    def kept(self) -> Mapping[str, MemoryKept]:
        """What is kept of all that was read, by kind; nothing before anything was."""

    def through_templates(self, store: FactStore | None = None) -> Decoder | None:
        """The same models, each asked through its own chat template, where they are not asked so already.

        The members of that decoder are the same as far as their paths are; their names are others. None where no
        member has such a template, or where this decoder does not offer it. Where the store knows them, nothing is
        loaded.
        """
        return None

    def ready(self) -> None:
        """Load what is not loaded yet: whoever decodes next does not wait for it.

        Raises:
            MemberError: a member cannot be loaded.
        """
        return  # nothing has to be done

    def forget(self) -> None:
        """Forget what has been read, and what was said: nobody will ask these questions again.

        It saves memory and changes no result: what is asked for all the same is read again.
        """
        return  # nothing has to be done

    @property
    def templated(self) -> Mapping[str, MemberFacts]:
        """Those of the members that are others through their own chat templates, by the names of these others."""
        return {}

    @cached_property
    def specs(self) -> tuple[MemberSpec, ...]:
        """Where the members came from, with their fingerprints."""
        return tuple(facts.spec for facts in self.facts)

    @cached_property
    def shapes(self) -> dict[str, MemberShape]:
        """What the members' costs are computed from, by name."""
        return {facts.spec.name: facts.shape for facts in self.facts}

    @cached_property
    def dtypes(self) -> dict[str, str]:
        """Loaded dtype by member name."""
        return {facts.spec.name: facts.dtype for facts in self.facts}

    @cached_property
    def device_kind(self) -> str:
        """``cpu``, ``cuda`` or ``mps`` (several, sorted, when members are on different kinds)."""
        return "+".join(sorted({facts.device.split(":")[0] for facts in self.facts}))

    def check(self, recipe: Recipe) -> None:
        """Refuse a recipe that this pool cannot decode.

        Raises:
            RecipeError: a member is not loaded, is another model than the recipe's, or does not share the
                tokenizer although the alphabet needs one.
        """
        loaded = {spec.name: spec for spec in self.specs}
        for asked in (member.spec for member in recipe.members):
            if asked.name not in loaded:
                raise RecipeError(f"members: expected members of the swarm ({', '.join(loaded)}), got {asked.name!r}")
            _check_same(asked, loaded[asked.name])
        if ALPHABETS[recipe.alphabet].one_tokenizer:
            self._check_shared_tokenizer(recipe)

    def _check_shared_tokenizer(self, recipe: Recipe) -> None:
        tokens = {facts.spec.name: facts.tokens for facts in self.facts}
        first, *others = (member.spec.name for member in recipe.members)
        for other in others:
            if tokens[other] != tokens[first]:
                raise RecipeError(
                    "alphabet: expected 'common' or 'bytes', or 'auto' in a space (members have different tokenizers"
                    f" or end tokens: {first!r} and {other!r}), got {recipe.alphabet!r}"
                )


def check_fingerprints(specs: Sequence[MemberSpec], loaded: Sequence[MemberFacts]) -> None:
    """Refuse members that are not what those who named them took them for.

    Raises:
        MemberError: one is another model.
    """
    for spec, facts in zip(specs, loaded, strict=True):
        if spec.fingerprint not in (None, facts.spec.fingerprint):
            raise MemberError(
                f"member {spec.name!r}: expected the model of the fingerprint {spec.fingerprint} in {spec.path!r}, got"
                f" {facts.spec.fingerprint}: other weights, tokenizer or template"
            )


def _check_same(asked: MemberSpec, loaded: MemberSpec) -> None:
    """Refuse a member that is another one than the recipe's.

    Raises:
        RecipeError: it is.
    """
    if asked.fingerprint not in (None, loaded.fingerprint):
        raise RecipeError(
            f"members: expected {asked.name!r} as the recipe knows it (fingerprint {str(asked.fingerprint)[:12]}), got"
            f" other weights, tokenizer, template, or words for it ({str(loaded.fingerprint)[:12]})"
        )
    if asked.fingerprint is None:
        for what, value in asked.told.items():
            if loaded.told.get(what) != value:
                raise RecipeError(
                    f"members: expected {asked.name!r} with the {what} that the recipe says ({value!r:.60}), got"
                    f" {loaded.told.get(what)!r:.60}"
                )
