"""A router: which policy answers an item, by its task, by its prompt, or by who is surest of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    field_validator,
    model_serializer,
    model_validator,
)

from evoswarm.canonical import digest_of
from evoswarm.member_spec import MemberSpec, Strict
from evoswarm.policies.mix import Recipe
from evoswarm.policies.policy import Policy, PolicyModel, Role, named_once
from evoswarm.policies.vote import Vote, Voter

if TYPE_CHECKING:
    from evoswarm.statistics.text_clusters import Clusters

SHOWN = 4
"""N-grams of a cluster that words name."""


def _kind(value: Any) -> Any:
    return value.get("kind", "mix") if isinstance(value, dict) else getattr(value, "kind", None)


Routed = Annotated[Annotated[Recipe, Tag("mix")] | Annotated[Vote, Tag("vote")], Discriminator(_kind)]


class PromptCluster(Strict):
    """A kind of prompts, and who answers those.

    Attributes:
        ngrams: how much each character n-gram speaks for it, see `evoswarm.statistics.text_clusters`.
        policy: the position of the policy that answers.
        like: the prompts that it was made from, in words; decides nothing.
    """

    ngrams: dict[Annotated[str, Field(min_length=1)], Annotated[int, Field(ge=1)]] = Field(min_length=1)
    policy: int = Field(ge=0)
    like: str = ""

    @field_validator("ngrams")
    @classmethod
    def _heaviest_first(cls, ngrams: dict[str, int]) -> dict[str, int]:
        return dict(sorted(ngrams.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def typical(self) -> str:
        """Its heaviest n-grams, none within another: ``'gcd', '0,'``."""
        shown: list[str] = []
        for ngram in (one.strip() for one in self.ngrams):
            if ngram and not any(ngram in other or other in ngram for other in shown):
                shown.append(ngram)
        return ", ".join(map(repr, shown[:SHOWN])) or repr(next(iter(self.ngrams)))

    @property
    def words(self) -> str:
        """Which prompts they are: the typical n-grams, and what they are like."""
        return self.typical + (f" ({self.like})" if self.like else "")


class Route(PolicyModel):
    """A router.

    By ``task`` and by ``cluster`` of prompts, a policy is chosen before anything is decoded. By ``confidence``, all of
    them answer, and the answer with the least mean entropy per step counts; policies that fail are passed over, ties go
    to the first. Each policy asks in its own way, by its own prompt format.

    Attributes:
        kind: of policy.
        version: of this format.
        by: what decides.
        policies: who may answer, at least one; the first answers items of tasks that are not named, and prompts like
            none of the clusters.
        tasks: by task, the position of the policy that answers its items; only for ``by: task``.
        clusters: of prompts, as their tasks word them; for ``by: cluster``. For ``by: task`` they may stand for the
            tasks: an item of none of these is answered as its prompt wants it.

    Example:
        >>> route = Route(by="task", policies=(recipe, vote), tasks={"sums": 1})
        >>> [policy.kind for task in ("sums", "spelling") for policy in route.chosen(task)]
        ['vote', 'mix']
    """

    kind: Literal["route"] = "route"
    version: Literal[1] = 1
    by: Literal["task", "confidence", "cluster"]
    policies: tuple[Routed, ...] = Field(min_length=1)
    tasks: dict[str, int] = Field(default_factory=dict)
    clusters: tuple[PromptCluster, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        named_once(spec for policy in self.policies for spec in policy.specs)
        if self.tasks and self.by != "task":
            raise ValueError(f"tasks: expected none (answers are chosen by {self.by}), got {', '.join(self.tasks)}")
        if self.by == "confidence" if self.clusters else self.by == "cluster":
            wanted = "none" if self.clusters else "at least one"
            raise ValueError(f"clusters: expected {wanted} (answers are chosen by {self.by}), got {len(self.clusters)}")
        places = {f"tasks.{task}": position for task, position in self.tasks.items()}
        places |= {f"clusters.{number}.policy": one.policy for number, one in enumerate(self.clusters)}
        for key, position in places.items():
            if not 0 <= position < len(self.policies):
                raise ValueError(f"{key}: expected a position of {len(self.policies)} policies, got {position}")
        return self

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = fields(self)
        if not self.clusters:
            content.pop("clusters", None)
        return content

    @property
    def digest(self) -> str:
        """SHA-256 over what decides: the policies in order, and who answers which task or cluster."""
        clusters = [[sorted(one.ngrams.items()), one.policy] for one in self.clusters]
        return digest_of(
            [self.by, [one.digest for one in self.policies], self.tasks, *([clusters] if clusters else [])]
        )

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

    @property
    def reads_prompts(self) -> bool:
        """Whether who answers hangs on the prompt."""
        return bool(self.clusters)

    def cluster(self, prompt: str) -> int | None:
        """The position of the cluster of a prompt; None where it is like none."""
        return self._clusters.nearest(prompt)

    @cached_property
    def _clusters(self) -> Clusters:
        from evoswarm.statistics.text_clusters import Clusters  # no other policy needs it to answer

        return Clusters([one.ngrams for one in self.clusters])

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, which may have other clusters."""
        copied = super().model_copy(update=update, deep=deep)
        vars(copied).pop("_clusters", None)
        return copied

    def chosen(self, task: str, prompt: str | None = None) -> tuple[Recipe | Vote, ...]:
        """The policies that may answer an item.

        Args:
            task: its name.
            prompt: as the task words it; None is any.
        """
        if task in self.tasks:
            return (self.policies[self.tasks[task]],)
        if self.by == "task" and not self.clusters:
            return self.policies[:1]
        if self.by == "confidence" or prompt is None:
            return self.policies
        cluster = self.cluster(prompt)
        return (self.policies[0 if cluster is None else self.clusters[cluster].policy],)

    def role(self, name: str) -> Role:
        """Every member answers on its own."""
        return "voter"

    def mixes(self, task: str, prompt: str | None = None) -> tuple[Recipe, ...]:
        """What the chosen policies need."""
        return tuple(recipe for policy in self.chosen(task, prompt) for recipe in policy.mixes(task, prompt))

    def without(self, name: str) -> Route | None:
        """None: a router less one of its policies is another router."""
        return None

    def bound(self, specs: Mapping[str, MemberSpec]) -> Route:
        """The router with other specs for its members, by name."""
        return self.model_copy(update={"policies": tuple(one.bound(specs) for one in self.policies)})

    def words(self, spoken: Mapping[str, float] | None = None) -> list[str]:
        """Who answers what, one sentence per line; shares of steps are of all policies together, and left out."""
        if self.by == "confidence":
            head = f"{len(self.policies)} policies answer, and the answer with the least mean entropy per step counts:"
            return [head, *(line for policy in self.policies for line in policy.words())]
        kinds: dict[int, list[str]] = {}
        if self.by == "task":
            for task, place in self.tasks.items():
                kinds.setdefault(place, []).append(task)
        else:
            for one in self.clusters:
                kinds.setdefault(one.policy, []).append(f"Prompts with {one.words}")
        kinds[0] = [*kinds.get(0, []), "anything else" if 0 in kinds else "Anything else"]
        lines = [f"{'; '.join(which)}: {' '.join(self.policies[place].words())}" for place, which in kinds.items()]
        if self.by == "task" and self.clusters:
            lines.append("A question of no task is answered as one of the task whose prompts it is most like.")
        return lines

    def parameters(self) -> dict[str, Any]:
        """The router as parameters, policy by policy."""
        found: dict[str, Any] = {"members": len(self.specs), "rule": f"route by {self.by}"}
        found |= {f"task.{task}": place for task, place in self.tasks.items()}
        for place, policy in enumerate(self.policies):
            found |= {f"use.{place}.{key}": value for key, value in policy.parameters().items()}
        for number, one in enumerate(self.clusters):
            found |= {f"when.{number}.prompts": one.typical, f"when.{number}.use": one.policy}
        found["digest"] = self.digest
        return found


def every_mix(policy: Policy) -> tuple[Recipe, ...]:
    """Whatever a policy may have to decode, for items of any task."""
    parts: Sequence[Policy] = policy.policies if isinstance(policy, Route) else [policy]
    return tuple(recipe for part in parts for recipe in part.mixes(""))


def with_mixes(policy: Policy, changed: Callable[[Recipe], Recipe]) -> Policy:
    """The same policy with other mixes in the places of its own."""
    if isinstance(policy, Recipe):
        return changed(policy)
    if isinstance(policy, Vote):
        return Vote(voters=tuple(Voter(recipe=changed(one.recipe), weight=one.weight) for one in policy.voters))
    assert isinstance(policy, Route)
    parts = tuple(with_mixes(part, changed) for part in policy.policies)
    return policy.model_copy(update={"policies": parts})


def sole(policy: Policy) -> Policy:
    """The policy that answers everything: of a route over one policy, that one; else the policy itself."""
    return policy.policies[0] if isinstance(policy, Route) and len(policy.policies) == 1 else policy
