"""The search space: strict YAML in, frozen and validated data out.

Unknown keys, wrong types, values out of range and contradictions are errors that name file, line, column and
field. Nothing here loads a model; torch is not imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from evoswarm.recipe import Alpha, AlphabetName, MemberSpec, RuleName

ObjectiveName = Annotated[str, Field(pattern=r"^(accuracy|accuracy:[A-Za-z0-9._-]+|flops|weight_reads|passes|open_share)$")]
TopologyName = Literal["ring", "bidirectional_ring", "torus", "star", "fully_connected", "unconnected", "edges"]
Range = tuple[float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class ScorerSettings(_Strict):
    """How an answer is scored. ``kind`` may also be ``module:function`` of the user's own."""

    kind: str = "exact"  # exact | numeric | choice | regex | contains | verifier | module:function
    pattern: str | None = None  # regex only: the first group (or the whole match) is the answer
    choices: tuple[str, ...] = ()  # choice only; empty is A, B, C, D
    ignore_case: bool = False
    tolerance: float = Field(default=1e-6, ge=0)  # numeric only, absolute


class FewShot(_Strict):
    """Worked examples put before every question, drawn from the source and never used as items."""

    count: int = Field(default=0, ge=0, le=64)
    separator: str = "\n\n"


class _TaskSettings(_Strict):
    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    weight: float = Field(default=1.0, gt=0)
    max_bytes: int = Field(default=32, ge=1, le=65536)
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    few_shot: FewShot = FewShot()


class ReasoningGymTask(_TaskSettings):
    """Items made by a reasoning-gym family (or ``pair``, evoswarm's own composite)."""

    source: Literal["reasoning_gym"]
    family: str
    config: dict[str, Any] = {}
    form: Literal["compact", "question"] = "compact"
    seed: int = Field(default=0, ge=0)
    scorer: ScorerSettings = ScorerSettings(kind="verifier")


class DatasetTask(_TaskSettings):
    """Items read through ``datasets``: a hub name, or a local jsonl, json, csv or parquet file."""

    source: Literal["dataset"]
    path: str = Field(min_length=1)
    subset: str | None = None
    split: str = "train"
    revision: str | None = None
    prompt: str = "{question}"
    answer: str = "{answer}"
    scorer: ScorerSettings = ScorerSettings()


TaskSettings = Annotated[ReasoningGymTask | DatasetTask, Field(discriminator="source")]


class Splits(_Strict):
    """How many items each split offers, and the share of the item hash space that each split owns.

    Shares, not counts, decide where an item belongs: growing a source or a split moves no item across.
    """

    search: int = Field(default=96, ge=1)
    selection: int = Field(default=200, ge=1)
    test: int = Field(default=1000, ge=1)
    shares: tuple[float, float, float] = (0.3, 0.2, 0.5)


class GenomeSettings(_Strict):
    """What evolution may vary. A range of equal ends pins a gene."""

    max_members: int | None = Field(default=None, ge=1)
    weight: Range = (0.02, 1.0)
    temperature: Range = (0.25, 4.0)
    open_share: Range = (0.005, 1.0)
    gates: bool = True  # false: every follower always speaks
    leads: tuple[str, ...] | None = None  # null: every member may lead
    rules: tuple[RuleName, ...] = ("mixture", "product", "power", "most_confident", "vote", "contrast")
    alpha: tuple[Alpha, Alpha] = (-4.0, 4.0)
    beta: Range = (0.0, 4.0)
    contrast: Range = Field(default=(0.05, 1.0), alias="lambda")
    samples: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = (1,)
    sampling_temperature: Range = (0.3, 1.5)
    max_parameters: int | None = Field(default=None, ge=1)  # sum over the recipe's members
    max_flops: float | None = Field(default=None, gt=0)  # per token read by all members once
    max_memory_bytes: int | None = Field(default=None, ge=1)  # of weights


class IslandSettings(_Strict):
    """What one island may do differently; null takes the value of ``evolution``."""

    population: int | None = Field(default=None, ge=2)
    crossover: float | None = Field(default=None, ge=0, le=1)
    mutation: float | None = Field(default=None, ge=0, le=1)
    mutated_genes: float | None = Field(default=None, gt=0)
    tournament: int | None = Field(default=None, ge=1)
    elites: int | None = Field(default=None, ge=0)
    objective_weights: dict[str, float] | None = None


class Migration(_Strict):
    """Who travels between islands, when, and whom they replace."""

    every: int = Field(default=2, ge=1)
    count: int = Field(default=1, ge=0)
    select: Literal["best", "random", "diverse"] = "best"
    replace: Literal["worst", "random", "oldest"] = "worst"
    copy_migrants: bool = Field(default=True, alias="copy")


class Evolution(_Strict):
    """The island model. ``islands`` is a number of equal islands or a list of what differs on each."""

    generations: int = Field(default=10, ge=1)
    islands: int | tuple[IslandSettings, ...] = 4
    population: int = Field(default=12, ge=2)
    crossover: float = Field(default=0.7, ge=0, le=1)
    mutation: float = Field(default=0.9, ge=0, le=1)
    mutated_genes: float = Field(default=2.0, gt=0)
    tournament: int = Field(default=3, ge=1)
    elites: int = Field(default=2, ge=0)
    topology: TopologyName = "ring"
    edges: tuple[tuple[int, int], ...] = ()  # topology: edges
    migration: Migration = Migration()
    stagnation: int | None = Field(default=None, ge=1)  # generations without a better best before a reseed


class StopAt(_Strict):
    """Ends the search once a recipe reaches this on the search split."""

    accuracy: float = Field(gt=0, le=1)


class Budget(_Strict):
    """Ends the search cleanly; counted as if the ledger were empty. Seconds are wall time, journalled."""

    evaluations: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, gt=0)


class Tracking(_Strict):
    """MLflow; ``MLFLOW_TRACKING_URI`` wins over ``uri``."""

    mlflow: bool = True
    uri: str | None = None
    experiment: str = "evoswarm"


class Decoding(_Strict):
    """Limits of the engine; they change cost, never results."""

    batch_tokens: int = Field(default=16384, ge=1)  # tokens forwarded at once, padding included
    state_memory_bytes: int | None = Field(default=None, ge=1)  # per member; null: from what is free
    evaluation_seconds: float | None = Field(default=None, gt=0)


class SearchSpace(_Strict):
    """One search: which members, which tasks, what may vary, how it is evolved."""

    version: Literal[1] = 1
    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    seed: int = Field(default=0, ge=0)
    noise_seed: int = Field(default=0, ge=0)
    pool: tuple[MemberSpec, ...] = Field(min_length=1)
    alphabet: AlphabetName = "bytes"
    epsilon: float = Field(default=1e-3, ge=0, lt=0.5)
    prompt_format: str = "{prompt}"
    tasks: tuple[TaskSettings, ...] = Field(min_length=1)
    splits: Splits = Splits()
    genome: GenomeSettings = GenomeSettings()
    evolution: Evolution = Evolution()
    objectives: tuple[ObjectiveName, ...] = ("accuracy",)
    stop_at: StopAt | None = None
    budget: Budget = Budget()
    warm_start: tuple[str, ...] = ()
    tracking: Tracking = Tracking()
    decoding: Decoding = Decoding()

    @classmethod
    def from_yaml(cls, path: str | Path, overrides: tuple[str, ...] = ()) -> Self:
        """Read a space; see the loader."""
        raise SystemExit("to be written")
