"""A router: which policy answers an item, by its task or by who is surest of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from evoswarm.canonical import digest_of
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe
from evoswarm.policies.policy import PolicyModel, Role, named_once
from evoswarm.policies.vote import Vote


def _kind(value: Any) -> Any:
    return value.get("kind", "mix") if isinstance(value, dict) else getattr(value, "kind", None)


Routed = Annotated[Annotated[Recipe, Tag("mix")] | Annotated[Vote, Tag("vote")], Discriminator(_kind)]


class Route(PolicyModel):
    """A router.

    By ``task``, a policy is chosen before anything is decoded. By ``confidence``, all of them answer, and the answer
    with the least mean entropy per step counts; policies that fail are passed over, ties go to the first.
    Each policy asks in its own way, by its own prompt format.

    Attributes:
        kind: of policy.
        version: of this format.
        by: what decides.
        policies: who may answer, at least one; the first answers items of tasks that are not named.
        tasks: by task, the position of the policy that answers its items; only for ``by: task``.

    Example:
        >>> route = Route(by="task", policies=(recipe, vote), tasks={"sums": 1})
        >>> [policy.kind for task in ("sums", "spelling") for policy in route.chosen(task)]
        ['vote', 'mix']
    """

    kind: Literal["route"] = "route"
    version: Literal[1] = 1
    by: Literal["task", "confidence"]
    policies: tuple[Routed, ...] = Field(min_length=1)
    tasks: dict[str, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        named_once(spec for policy in self.policies for spec in policy.specs)
        if self.tasks and self.by != "task":
            raise ValueError(f"tasks: expected none (answers are chosen by {self.by}), got {', '.join(self.tasks)}")
        for task, position in self.tasks.items():
            if not 0 <= position < len(self.policies):
                raise ValueError(f"tasks.{task}: expected a position of {len(self.policies)} policies, got {position}")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 over what decides: the policies in order, and who answers which task."""
        return digest_of([self.by, [policy.digest for policy in self.policies], self.tasks])

    @property
    def specs(self) -> tuple[MemberSpec, ...]:
        """Where the members of all policies are, each once."""
        return tuple({spec.name: spec for policy in self.policies for spec in policy.specs}.values())

    @property
    def prompt_format(self) -> str:
        """Of the first policy: what the route's own sums are kept under."""
        return self.policies[0].prompt_format

    @property
    def removable(self) -> tuple[str, ...]:
        """Nobody: who answers alone is not missed by the others."""
        return ()

    def chosen(self, task: str) -> tuple[Recipe | Vote, ...]:
        """The policies that may answer an item of this task."""
        return (self.policies[self.tasks.get(task, 0)],) if self.by == "task" else self.policies

    def role(self, name: str) -> Role:
        """Every member answers on its own."""
        return "voter"

    def mixes(self, task: str) -> tuple[Recipe, ...]:
        """What the chosen policies need."""
        return tuple(recipe for policy in self.chosen(task) for recipe in policy.mixes(task))

    def without(self, name: str) -> Route | None:
        """None: a router less one of its policies is another router."""
        return None

    def bound(self, specs: Mapping[str, MemberSpec]) -> Route:
        """The router with other specs for its members, by name."""
        return Route(by=self.by, policies=tuple(one.bound(specs) for one in self.policies), tasks=self.tasks)

    def words(self, spoken: Mapping[str, float] | None = None) -> list[str]:
        """Who answers what, one sentence per line; shares of steps are of all policies together, and left out."""
        if self.by == "confidence":
            head = f"{len(self.policies)} policies answer, and the answer with the least mean entropy per step counts:"
            return [head, *(line for policy in self.policies for line in policy.words())]
        lines = [f"{task}: {' '.join(self.policies[place].words())}" for task, place in self.tasks.items()]
        return [*lines, f"Anything else: {' '.join(self.policies[0].words())}"]

    def parameters(self) -> dict[str, Any]:
        """The router as parameters, policy by policy."""
        found: dict[str, Any] = {"digest": self.digest, "by": self.by}
        found |= {f"task.{task}": place for task, place in self.tasks.items()}
        for place, policy in enumerate(self.policies):
            found |= {f"policy.{place}.{key}": value for key, value in policy.parameters().items()}
        return found
