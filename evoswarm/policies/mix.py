"""The recipe: everything needed to decode with a swarm, as frozen, validated, versioned data.

A recipe is the bridge between the two wings of the house: evolution writes recipes, decoding reads them. It is
self-contained (it says where its members are) and canonical: numbers are rounded to six significant digits,
weights are normalised, parameters that cannot matter are set to their defaults. Two recipes with one digest
are decoded once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, SkipValidation, model_serializer, model_validator

from evoswarm.canonical import digest_of, round_significant
from evoswarm.fusion import RULES, FusionRule, Parameter
from evoswarm.fusion.fields import ByParameter, RuleName, number
from evoswarm.member_spec import MemberSpec, Strict
from evoswarm.policies.alphabets import ALPHABETS, AlphabetName
from evoswarm.policies.policy import PolicyModel, Role
from evoswarm.policies.sampling import GREEDY, canonical_sampling, drawn_as_fused, said_of_sampling
from evoswarm.policies.wording import mix_words

RECIPE_VERSION: Literal[1] = 1

GateName = Literal["entropy", "low_entropy", "random"]
GATES: tuple[GateName, ...] = ("entropy", "low_entropy", "random")


class RecipeMember(Strict):
    """A member as a recipe uses it.

    Attributes:
        spec: where it is.
        weight: relative weight among the recipe's members, > 0; normalised to sum 1 over them.
        temperature: divides its log-probabilities before fusion, > 0.
        threshold: it speaks where the lead's entropy (nats) is at least this, or as ``Recipe.gate`` says; 0 is always,
            whatever the gate. The lead's is 0.
    """

    spec: MemberSpec
    weight: float = Field(default=1.0, gt=0)
    temperature: float = Field(default=1.0, gt=0)
    threshold: float = Field(default=0.0, ge=0)


class Fusion(ByParameter, Strict):
    """A fusion rule and its parameters; those that the rule does not use keep their defaults.

    In Python, parameters are given by name: ``Fusion(rule="power", alpha=2.0)``. In JSON they stand beside the rule.

    Attributes:
        rule: the name of the rule.
        parameters: values by the parameters' names, of every rule that there is.
    """

    rule: RuleName = "mixture"
    parameters: SkipValidation[Mapping[str, float]] = Field(default_factory=dict)

    if TYPE_CHECKING:

        def __init__(self, *, rule: str = "mixture", **parameters: float) -> None: ...

    @property
    def rules_named(self) -> tuple[str, ...]:
        """Its own."""
        return (self.rule,)

    @classmethod
    def value_of(cls, parameter: Parameter) -> tuple[Any, float]:
        """A number."""
        return number(parameter), parameter.default

    @property
    def definition(self) -> FusionRule:
        """The rule itself."""
        return RULES[self.rule]

    def canonical(self, gated: bool) -> Fusion:
        """The same rule with rounded parameters, and defaults for those that it, or an open gate, does not use."""
        used = {one.name: one for one in (self.definition.tuned_by if gated else self.definition.parameters)}
        values = {name: round_significant(self.parameters[name]) + 0.0 for name in used}
        idle = {name for name, one in used.items() if one.under and values[one.under] == used[one.under].default}
        return Fusion(rule=self.rule, **{name: value for name, value in values.items() if name not in idle})


class Recipe(PolicyModel):
    """Everything needed to decode; immutable and canonical.

    Attributes:
        version: of this format.
        alphabet: ``bytes`` or ``common`` (the tokens that all of its members have, and bytes) for any mix of
            tokenizers, ``tokens`` when all members share one.
        members: the members that can speak, in pool order.
        lead: the name of the member that speaks at every step and whose entropy opens the gate.
        fusion: how speakers' distributions become one.
        samples: 1 is greedy, unless ``sampled``; k > 1 is a majority vote over k sampled answers.
        sampling_temperature: divides the fused log-probabilities before the noise; used where answers are drawn.
        sampled: a single answer is drawn, too.
        top_k: only the so many likeliest symbols are drawn from; 0 is all. This and the next two come behind the
            temperature, in this order and as ``generate`` of transformers does them; they are left out of JSON and
            digest where they leave nothing out, and where nothing is drawn.
        top_p: only the likeliest symbols that come to this share of the probability are drawn from; 1 is all.
        min_p: only symbols at least so many times as likely as the likeliest are drawn from; 0 is all.
        epsilon: share of the probability that a member's view may leave unread, in [0, 0.5); 0 in ``tokens``.
        noise_seed: keys the sampling noise.
        prompt_format: how a raw question becomes a prompt; ``{prompt}`` stands for the question.
        gate: what a follower with a threshold above 0 waits for: ``entropy``, that the lead's is at least that;
            ``low_entropy``, that it is at most that; ``random``, that a draw from [0, 1), one per step for all
            followers, is at least that (so 1 is never). Searches use ``entropy`` only; the others are what it is
            compared with. Left out of JSON and digest where it is ``entropy``.

    Example:
        >>> adder = {"spec": {"name": "adder", "path": "zoo:llama-a"}}
        >>> recipe = Recipe.model_validate({"members": [adder], "lead": "adder"})
        >>> Recipe.from_json(recipe.to_json()) == recipe
        True
    """

    kind: ClassVar[str] = "mix"

    version: Literal[1] = RECIPE_VERSION
    alphabet: AlphabetName = "bytes"
    members: tuple[RecipeMember, ...] = Field(min_length=1)
    lead: str
    fusion: Fusion = Fusion()
    samples: int = Field(default=1, ge=1, le=1024)
    sampling_temperature: float = Field(default=1.0, gt=0)
    epsilon: float = Field(default=1e-3, ge=0, lt=0.5)
    noise_seed: int = 0
    prompt_format: str = "{prompt}"
    gate: GateName = "entropy"
    sampled: bool = False
    top_k: int = Field(default=0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    min_p: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _canonical(self) -> Self:
        names = [member.spec.name for member in self.members]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"members: expected names that differ, got {doubled[0]!r} twice")
        if self.lead not in names:
            raise ValueError(f"lead: expected one of {', '.join(names)}, got {self.lead!r}")
        if "{prompt}" not in self.prompt_format:
            raise ValueError(f"prompt_format: expected a text with {{prompt}} in it, got {self.prompt_format!r}")
        for name, value in _canonical_fields(self).items():
            object.__setattr__(self, name, value)  # the model is frozen to everybody else
        return self

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = fields(self)
        if self.gate == "entropy":
            content.pop("gate", None)
        for name, silent in GREEDY.items():
            if content.get(name) == silent:
                content.pop(name)
        return content

    @property
    def draws(self) -> bool:
        """Whether its answers are drawn: several always are."""
        return self.samples > 1 or self.sampled

    @property
    def draws_speaker(self) -> bool:
        """Whether a step draws who speaks, by weight, and the symbol from that member alone.

        It has the distribution of the mixture, for the work of one member: that of a step whose weights nobody's
        distribution changes, drawn at temperature 1 with nothing left out.
        """
        unheard = self.fusion.definition.weighs_unheard(self.fusion.parameters)
        return len(self.members) > 1 and unheard and drawn_as_fused(self)

    @property
    def lead_index(self) -> int:
        """Position of the lead among the members."""
        return [member.spec.name for member in self.members].index(self.lead)

    @property
    def digest(self) -> str:
        """SHA-256 over what decides the output: never names or paths (unless a fingerprint is not known yet)."""
        decides: dict[str, Any] = {
            "version": self.version,
            "alphabet": self.alphabet,
            "members": [[m.spec.identity, m.weight, m.temperature, m.threshold] for m in self.members],
            "lead": self.lead_index,
            "fusion": self.fusion.model_dump(mode="json", by_alias=True),
            "samples": self.samples,
            "sampling_temperature": self.sampling_temperature,
            "epsilon": self.epsilon,
            "noise_seed": self.noise_seed,
            "prompt_format": self.prompt_format,
        }
        if self.gate != "entropy":
            decides["gate"] = self.gate
        return digest_of({**decides, **said_of_sampling(self)})

    @property
    def specs(self) -> tuple[MemberSpec, ...]:
        """Where its members are."""
        return tuple(member.spec for member in self.members)

    @property
    def removable(self) -> tuple[str, ...]:
        """Names of the followers."""
        return tuple(member.spec.name for member in self.members if member.spec.name != self.lead)

    def role(self, name: str) -> Role:
        """Whether a member leads or follows."""
        return "lead" if name == self.lead else "follower"

    def mixes(self, task: str, prompt: str | None = None) -> tuple[Recipe, ...]:
        """The recipe itself, whatever the task."""
        return (self,)

    def without(self, name: str) -> Recipe | None:
        """The recipe less one member, weights in proportion; without its lead, the heaviest of the others leads."""
        rest = [member for member in self.members if member.spec.name != name]
        if not rest:
            return None
        lead = max(rest, key=lambda member: member.weight).spec.name if name == self.lead else self.lead
        return self.changed(members=[member.model_dump() for member in rest], lead=lead)

    def bound(self, specs: Mapping[str, MemberSpec]) -> Recipe:
        """The recipe with other specs for its members, by name."""
        members = [{**member.model_dump(), "spec": specs[member.spec.name].model_dump()} for member in self.members]
        return self.changed(members=members)

    def changed(self, **fields: Any) -> Recipe:
        """The recipe with other values in some of its fields, validated and canonical again."""
        return Recipe.model_validate({**self.model_dump(by_alias=True), **fields})

    def words(self, spoken: Mapping[str, float] | None = None) -> list[str]:
        """Who leads, who speaks when, with what weight, by which rule: one sentence per line.

        Args:
            spoken: share of all steps at which a member really spoke, by name, where it is known.
        """
        return mix_words(self, spoken)

    def parameters(self) -> dict[str, Any]:
        """The recipe as parameters: who leads, by which rule, then gene by gene and member by member."""
        fusion = self.fusion
        found: dict[str, Any] = {
            "lead": self.lead,
            "members": len(self.members),
            "rule": fusion.rule if len(self.members) > 1 else "alone",
            **{f"rule.{one.name}": fusion.parameters[one.name] for one in fusion.definition.tuned_by},
        }
        for gene in ("weight", "temperature", "threshold"):
            found |= {f"{gene}.{member.spec.name}": getattr(member, gene) for member in self.members}
        found |= {"samples": self.samples, "sampling_temperature": self.sampling_temperature}
        found |= said_of_sampling(self)
        found |= {"alphabet": self.alphabet, "digest": self.digest}
        return found


def _canonical_fields(recipe: Recipe) -> dict[str, Any]:
    """The fields of a recipe with rounding, normalised weights and defaults for what cannot matter."""
    alone = len(recipe.members) == 1
    gated = recipe.gate != "random" and any(
        member.spec.name != recipe.lead and round_significant(member.threshold) > 0 for member in recipe.members
    )
    fusion = Fusion() if alone else recipe.fusion.canonical(gated)
    weights = _canonical_weights(recipe, fusion.definition)
    # Greedily, a lone member's temperature cannot turn its argmax.
    tempers = recipe.draws or (not alone and fusion.definition.tempers(fusion.parameters))
    members = tuple(
        RecipeMember(
            spec=member.spec,
            weight=weight,
            temperature=round_significant(member.temperature) if tempers else 1.0,
            threshold=0.0 if member.spec.name == recipe.lead else round_significant(member.threshold),
        )
        for member, weight in zip(recipe.members, weights, strict=True)
    )
    return {
        "fusion": fusion,
        "members": members,
        **canonical_sampling(recipe),
        "epsilon": round_significant(recipe.epsilon) if ALPHABETS[recipe.alphabet].approximate else 0.0,
        "gate": recipe.gate if any(member.threshold > 0 for member in members) else "entropy",
    }


def _canonical_weights(recipe: Recipe, rule: FusionRule) -> list[float]:
    """Weights that sum to one over the members whose weight the rule uses; equal where it uses none."""
    if not rule.uses_weights or len(recipe.members) == 1:
        return [round_significant(1.0 / len(recipe.members))] * len(recipe.members)
    uncounted = None if rule.uses_lead_weight else recipe.lead
    counted = [m.weight for m in recipe.members if m.spec.name != uncounted]
    total = math.fsum(counted)
    if abs(total - 1.0) <= 1e-6 * len(counted):
        total = 1.0  # already normalised and rounded: reading a recipe must give back the recipe
    return [1.0 if m.spec.name == uncounted else round_significant(m.weight / total) for m in recipe.members]
