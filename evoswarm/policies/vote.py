"""A vote over whole answers: every voter answers on its own, and the answer with the most weight behind it wins.

Self-consistency (Wang et al. 2023, arXiv:2203.11171), here across members and weighted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from evoswarm.canonical import digest_of, round_significant
from evoswarm.member_spec import MemberSpec, Strict
from evoswarm.policies.alphabets import alphabet_words
from evoswarm.policies.mix import Recipe
from evoswarm.policies.policy import PolicyModel, Role, named_once
from evoswarm.policies.sampling import answers_words, said_of_sampling


class Voter(Strict):
    """One member with a vote.

    Attributes:
        recipe: of a single member; how often and at which temperature it answers.
        weight: > 0, of its vote; its answers share it equally.
    """

    recipe: Recipe
    weight: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _alone(self) -> Self:
        if len(self.recipe.members) != 1:
            raise ValueError(f"recipe: expected one member, got {len(self.recipe.members)}")
        return self


class Vote(PolicyModel):
    """A vote over whole answers, as the scorer extracts them; weights are normalised to sum 1.

    Ties go to the answer of the first voter, and of its answers to the first.

    Attributes:
        kind: of policy.
        version: of this format.
        voters: at least one, in the order that settles ties.

    Example:
        >>> sampler = recipe.changed(samples=5, sampling_temperature=0.7)
        >>> vote = Vote.model_validate({"voters": [{"recipe": recipe, "weight": 1}, {"recipe": sampler, "weight": 3}]})
        >>> [voter.weight for voter in vote.voters]
        [0.25, 0.75]
    """

    kind: Literal["vote"] = "vote"
    version: Literal[1] = 1
    voters: tuple[Voter, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _canonical(self) -> Self:
        named_once(voter.recipe.specs[0] for voter in self.voters)
        formats = {voter.recipe.prompt_format for voter in self.voters}
        if len(formats) > 1:
            raise ValueError(f"voters: expected one prompt_format, got {len(formats)}")
        try:
            total = math.fsum(voter.weight for voter in self.voters)
        except OverflowError:
            raise ValueError("voters: expected weights with a finite sum, got larger ones") from None
        if abs(total - 1.0) <= 1e-6 * len(self.voters):
            total = 1.0  # already normalised and rounded: reading a vote must give back the vote
        voters = [one.model_copy(update={"weight": round_significant(one.weight / total)}) for one in self.voters]
        if not all(voter.weight > 0 for voter in voters):
            raise ValueError("voters: expected weights that can be compared, got one that vanishes beside the others")
        object.__setattr__(self, "voters", tuple(voters))  # the model is frozen to everybody else
        return self

    @property
    def digest(self) -> str:
        """SHA-256 over what decides the outcome: the voters' recipes and weights."""
        return digest_of([[voter.recipe.digest, voter.weight] for voter in self.voters])

    @property
    def specs(self) -> tuple[MemberSpec, ...]:
        """Where the voters are, each member once."""
        return tuple({voter.recipe.lead: voter.recipe.specs[0] for voter in self.voters}.values())

    @property
    def prompt_format(self) -> str:
        """Of the first voter."""
        return self.voters[0].recipe.prompt_format

    @property
    def removable(self) -> tuple[str, ...]:
        """Names of all voters, where there are several."""
        names = tuple(dict.fromkeys(voter.recipe.lead for voter in self.voters))
        return names if len(names) > 1 else ()

    def role(self, name: str) -> Role:
        """Every member answers on its own."""
        return "voter"

    def mixes(self, task: str, prompt: str | None = None) -> tuple[Recipe, ...]:
        """The voters' recipes, whatever the task."""
        return tuple(voter.recipe for voter in self.voters)

    def without(self, name: str) -> Vote | None:
        """The vote less one member, weights in proportion; None where nobody would be left."""
        rest = tuple(voter for voter in self.voters if voter.recipe.lead != name)
        return Vote(voters=rest) if rest else None

    def bound(self, specs: Mapping[str, MemberSpec]) -> Vote:
        """The vote with other specs for its members, by name."""
        return Vote(voters=tuple(Voter(recipe=one.recipe.bound(specs), weight=one.weight) for one in self.voters))

    def words(self, spoken: Mapping[str, float] | None = None) -> list[str]:
        """One sentence per voter."""
        weighted, alphabets = len(self.voters) > 1, {voter.recipe.alphabet for voter in self.voters}
        lines = []
        for voter in self.voters:
            weight = f", weight {voter.weight:.2f}" if weighted else ""
            written = f", alphabet {voter.recipe.alphabet}" if len(alphabets) > 1 else ""
            lines.append(f"{voter.recipe.lead} gives {answers_words(voter.recipe)}{weight}{written}.")
        if len(alphabets) == 1:
            lines.append(alphabet_words(self.voters[0].recipe.alphabet, members=1))
        return [*lines, "The answer with the most weight behind it wins."] if weighted else lines

    def parameters(self) -> dict[str, Any]:
        """The vote as parameters, voter by voter."""
        names = [voter.recipe.lead for voter in self.voters]
        found: dict[str, Any] = {"members": len(set(names)), "rule": "vote of whole answers"}
        for position, voter in enumerate(self.voters):
            again = names[:position].count(voter.recipe.lead)
            who = voter.recipe.lead + (f".{again}" if again else "")
            told = {"weight": voter.weight, "samples": voter.recipe.samples}
            told |= {"sampling_temperature": voter.recipe.sampling_temperature, **said_of_sampling(voter.recipe)}
            found |= {f"{name}.{who}": value for name, value in told.items()}
        found["digest"] = self.digest
        return found
