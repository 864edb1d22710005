"""The parts of a search space: frozen, validated data with defaults. What must hold between them is in `coherence`.

Every field is a key of the YAML file, but ``copy`` is called `copy_migrants` here, and each parameter of a fusion rule
has its own key. What a genome may be is in `genome_settings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Discriminator, Field, Tag

from evoswarm.evolution.algorithms import ALGORITHMS, ISLANDS
from evoswarm.evolution.settings import Replace, Select, Topology
from evoswarm.member_spec import MemberSpec, TemplateDate, TemplateOptions
from evoswarm.policies.alphabets import AlphabetChoice
from evoswarm.settings import LONGEST_NAME, NAME, KeyOf, Seed, Settings
from evoswarm.space.ending import CertificateSettings, ChampionSettings
from evoswarm.space.genome_settings import GenomeSettings, Positive
from evoswarm.space.gold_settings import GoldSettings
from evoswarm.tasks.settings import TaskSettings
from evoswarm.tasks.sources import SOURCES

ObjectiveName = Annotated[
    str, Field(pattern=r"^(accuracy|accuracy:[A-Za-z0-9][A-Za-z0-9._-]*|flops|weight_reads|passes|open_share)$")
]

if TYPE_CHECKING:
    AnyTask = TaskSettings
else:
    AnyTask = Annotated[Union[tuple(SOURCES.values())], Field(discriminator="source")]  # noqa: UP007  # a tuple has no |

STORE = (
    r"^(https?://[^/\s]\S*|(sqlite|postgresql|mysql|mssql)(\+\w+)?://\S+|file:\S+|(databricks|uc)(://\S+|-uc)?|[./].*)$"
)

NotNegative = Annotated[float, Field(ge=0)]


class Splits(Settings):
    """How many items each split offers, over all tasks together and in equal numbers from each.

    Attributes:
        search: items that fitness is computed on.
        selection: items that evolution never sees: rivals are tuned on them, and the champion is chosen on them,
            together with the search items unless its choice is thrifty.
        test: items that a search never opens; evaluating a recipe on them is recorded.
        shares: of the space of item keys that search, selection and test own. They decide where an item belongs:
            growing a source or a split moves no item across.
    """

    search: int = Field(default=96, ge=1, le=10_000_000)
    selection: int = Field(default=200, ge=1, le=10_000_000)
    test: int = Field(default=1000, ge=1, le=10_000_000)
    shares: tuple[Positive, Positive, Positive] = (0.3, 0.2, 0.5)


class IslandOverrides(Settings):
    """What one island may do differently; null takes the value of ``evolution``.

    Attributes:
        population: individuals of this island.
        crossover: probability that a child has two parents.
        mutation: probability that a child is mutated.
        mutated_genes: active genes changed by a mutation, on average.
        tournament: individuals drawn to choose one parent.
        elites: best individuals that live on unchanged.
        objective_weights: by objective; the island then ranks by the weighted sum.
        algorithm: that moves this island; null is ``genetic``. The others, those of ``evolution.algorithm``, use only
            ``population`` and ``objective_weights``.
    """

    population: int | None = Field(default=None, ge=2, le=1_000_000)
    crossover: float | None = Field(default=None, ge=0, le=1)
    mutation: float | None = Field(default=None, ge=0, le=1)
    mutated_genes: float | None = Field(default=None, gt=0)
    tournament: int | None = Field(default=None, ge=1)
    elites: int | None = Field(default=None, ge=0)
    objective_weights: dict[str, NotNegative] | None = Field(default=None, min_length=1)
    algorithm: Annotated[str, KeyOf(ISLANDS)] | None = None


def _number_or_list(value: Any) -> str:
    return "list" if isinstance(value, list | tuple) else "number"


Islands = Annotated[
    Annotated[int, Field(ge=1, le=1024), Tag("number")]
    | Annotated[tuple[IslandOverrides, ...], Field(min_length=1, max_length=1024), Tag("list")],
    Discriminator(_number_or_list),
]


class MigrationOptions(Settings):
    """Who travels between islands, when, and whom they replace.

    Attributes:
        every: so many generations.
        count: emigrants of an island along each edge.
        select: who goes.
        replace: who makes room.
        copy_migrants: emigrants also stay at home.
    """

    every: int = Field(default=2, ge=1)
    count: int = Field(default=1, ge=0)
    select: Select = "best"
    replace: Replace = "worst"
    copy_migrants: bool = Field(default=True, alias="copy")


class Evolution(Settings):
    """The island model, or what takes its place.

    The defaults were compared with others on 6 to 8 paired seeds of small searches of the quickstart (180 recipes, 60
    items). None of the others was better on fresh items: migration after every generation lost 2.8 points (standard
    error 1.3), the best of all islands copied to all after the first generation 3.4 (1.1), migration after every fourth
    0.9 (0.9), 5 elites 0.2 (0.4), these with tournaments of 5 2.1 (1.7), 1.5 mutated genes 2.5 (2.6).

    Attributes:
        algorithm: ``archipelago``; its rivals take as many individuals a generation from the same founders: ``island``
            (all on one island that is equal to an island of a number), ``random``, Optuna's ``tpe``, ``cmaes`` (one
            objective only) and ``nsga2``, CMA-ES over numbers and categories (``catcma`` for one objective,
            ``comocatcma`` for two), and ``particles`` (one objective). All but the first two use none of the settings
            of islands but their size. ``archipelago`` can have some of them on its islands.
        generations: the founders are the first.
        islands: a number of equal islands, or a list of what differs on each.
        population: individuals of an island.
        crossover: probability that a child has two parents.
        mutation: probability that a child is mutated.
        mutated_genes: active genes changed by a mutation, on average.
        tournament: individuals drawn to choose one parent.
        elites: best individuals that live on unchanged.
        topology: of the islands' graph.
        edges: (from, to) pairs, counted from 0; only with ``topology: edges``.
        migration: along the edges.
        stagnation: generations without a better best after which an island is reseeded; null is never.
        gold: what is done with right answers that are known.
    """

    algorithm: Annotated[str, KeyOf(ALGORITHMS)] = "archipelago"
    generations: int = Field(default=10, ge=1, le=1_000_000)
    islands: Islands = 4
    population: int = Field(default=12, ge=2, le=1_000_000)
    crossover: float = Field(default=0.7, ge=0, le=1)
    mutation: float = Field(default=0.9, ge=0, le=1)
    mutated_genes: float = Field(default=2.0, gt=0)
    tournament: int = Field(default=3, ge=1)
    elites: int = Field(default=2, ge=0)
    topology: Topology = "ring"
    edges: tuple[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], ...] = ()
    migration: MigrationOptions = MigrationOptions()
    stagnation: int | None = Field(default=None, ge=1)
    gold: GoldSettings = GoldSettings()


class Racing(Settings):
    """Scores new recipes on few items first, and on more only while they could still be selected.

    Off by default (null): racing more than halves the evaluations of a search, but recipes that share prefixes make
    late items cheap: with tiny members and short answers the rows forwarded fall by a third and seconds by a sixth. It
    pays where evaluations are what is scarce, or where answers are long and little is shared. It beats fewer search
    items only in searches of many recipes: of few, nearly all good ones become finalists, and the selection split
    mends what few search items spoil.

    Attributes:
        rungs: numbers of items, or shares of all search items, growing; behind the last one come all of them.
    """

    rungs: tuple[Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)], ...] = Field(min_length=1)

    def sizes(self, items: int) -> tuple[int, ...]:
        """How many of so many items each rung holds, as the rungs are given."""
        return tuple(rung if isinstance(rung, int) else round(rung * items) for rung in self.rungs)


class StopAt(Settings):
    """Ends the search early.

    Attributes:
        accuracy: the search ends once a recipe reaches this on the search split.
    """

    accuracy: float = Field(gt=0, le=1)


class Budget(Settings):
    """Ends the search cleanly, behind the generation that spends it; counted as if the ledger were empty.

    Attributes:
        evaluations: (recipe, item) pairs asked for, each once.
        decoded_tokens: that the recipes of these pairs would read, each deployed alone.
        flops: likewise, floating-point operations.
        seconds: wall time of one sitting; its end is journalled.
    """

    evaluations: int | None = Field(default=None, ge=1)
    decoded_tokens: int | None = Field(default=None, ge=1)
    flops: float | None = Field(default=None, gt=0)
    seconds: float | None = Field(default=None, gt=0)


class Tracking(Settings):
    """What MLflow is told.

    Attributes:
        mlflow: whether the search is mirrored to MLflow at all.
        uri: of the store; ``MLFLOW_TRACKING_URI`` wins over it, and it counts on the caller's word alone
            (``--trust-tracking``); null is ``mlflow.db`` beside the runs.
        experiment: the name under which runs are listed.
    """

    mlflow: bool = True
    uri: str | None = Field(default=None, pattern=STORE)
    experiment: str = Field(default="evoswarm", min_length=1)


class Decoding(Settings):
    """Limits of the engine; they change cost, never results.

    Attributes:
        batch_tokens: forwarded at once, padding included.
        state_memory_bytes: for the states of each member; null is a share of what is free.
        row_memory_bytes: for the whole output rows of each member; likewise.
        text_memory_bytes: for texts and the distributions behind them, of each member; likewise.
    """

    batch_tokens: int = Field(default=16384, ge=1)
    state_memory_bytes: int | None = Field(default=None, ge=1)
    row_memory_bytes: int | None = Field(default=None, ge=1)
    text_memory_bytes: int | None = Field(default=None, ge=1)


class SpaceSettings(Settings):
    """One search: which members, which tasks, what may vary, how it is evolved.

    Attributes:
        version: of this format.
        name: of the search.
        description: for people.
        seed: drives the search.
        noise_seed: keys the sampling noise of decoding, whatever the seed.
        pool: the members on offer, in order.
        alphabet: the outcomes of a decoding step: ``bytes``; ``common``, the tokens that all members of a recipe
            have, and bytes; ``tokens``, where all members of the pool share one tokenizer; or ``auto``, which is
            ``tokens`` where that can be, else ``common``.
        epsilon: share of the probability that a member's view may leave unread; ``tokens`` leaves out nothing.
        prompt_format: how a question becomes a prompt; ``{prompt}`` stands for the question.
        system: what the system turn says, for members with a chat template that say nothing of their own.
        template_options: variables of chat templates, such as ``enable_thinking``; a member's own win.
        template_date: what chat templates that write a date take for today; null is one that never changes.
        tasks: what recipes are scored on.
        splits: how many items for what.
        genome: what evolution may vary.
        evolution: the island model.
        objectives: what is optimised; several give a Pareto front.
        racing: spends evaluations on those recipes that could still be selected; null scores all alike.
        stop_at: ends the search when it has been reached.
        budget: ends the search when it has been spent.
        warm_start: files of recipes that are among the founders.
        tracking: MLflow.
        decoding: limits of the engine.
        champion: which finalist a search ends with.
        certificate: what the verdict calls a gain, and how far rivals may go.
    """

    version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=NAME)
    description: str = ""
    seed: Seed = 0
    noise_seed: Seed = 0
    pool: tuple[MemberSpec, ...] = Field(min_length=1)
    alphabet: AlphabetChoice = "auto"
    epsilon: float = Field(default=1e-3, ge=0, lt=0.5)
    prompt_format: str = Field(default="{prompt}", pattern=r"\{prompt\}")
    system: str | None = Field(default=None, min_length=1)
    template_options: TemplateOptions = Field(default_factory=dict)
    template_date: TemplateDate | None = None
    tasks: tuple[AnyTask, ...] = Field(min_length=1)
    splits: Splits = Splits()
    genome: GenomeSettings = Field(default_factory=GenomeSettings)
    evolution: Evolution = Evolution()
    objectives: tuple[ObjectiveName, ...] = Field(default=("accuracy",), min_length=1)
    racing: Racing | None = None
    stop_at: StopAt | None = None
    budget: Budget = Budget()
    warm_start: tuple[str, ...] = ()
    tracking: Tracking = Tracking()
    decoding: Decoding = Decoding()
    champion: ChampionSettings = ChampionSettings()
    certificate: CertificateSettings = CertificateSettings()
