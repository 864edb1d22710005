"""The tasks of a search space: where questions come from, and how answers are scored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from evoswarm.space.base_settings import LONGEST_NAME, NAME, Seed, Settings


class ScorerSettings(Settings):
    """How an answer is scored.

    Attributes:
        kind: ``exact``, ``numeric`` (the last number), ``choice``, ``regex``, ``contains``, ``verifier`` (only of
            reasoning_gym tasks) or ``module:function`` of the user's own, which the caller has to allow.
        pattern: for ``regex``; the first group (or the whole match) of the last match is the answer.
        choices: for ``choice``; empty is A, B, C, D.
        ignore_case: for ``exact``, ``contains``, ``choice`` and ``regex``.
        tolerance: for ``numeric``, absolute.
        behind: markers such as ``####``, ``\\boxed`` or ``Answer:``: only what stands behind the last one of an answer
            is scored, where answers begin with reasoning; for ``exact``, ``contains``, ``numeric`` and ``choice``.
        seconds: for ``module:function``: of processor time, for one answer (4 times as much by the clock, at least 60).
        memory_gb: likewise, of address space, everything that is imported included.
    """

    kind: str = "exact"
    pattern: str | None = Field(default=None, max_length=10_000)
    choices: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    ignore_case: bool = False
    tolerance: float = Field(default=1e-6, ge=0)
    behind: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    seconds: float = Field(default=5.0, gt=0, le=3600)
    memory_gb: float = Field(default=4.0, gt=0, le=4096)


class FewShot(Settings):
    """Worked examples put before every question, drawn from the source and never used as items.

    Attributes:
        count: how many.
        between: stands between an example's question and its answer.
        separator: stands behind every example.
        answer: template of an example's answer, of dataset tasks: for examples that show their reasoning, such as
            ``"{reasoning} #### {answer}"``; None shows the answer as the task words it.
    """

    count: int = Field(default=0, ge=0, le=64)
    between: str = ""
    separator: str = "\n\n"
    answer: str | None = None


class _TaskSettings(Settings):
    """What all sources of tasks have in common.

    Attributes:
        name: of the task, in tables and objectives.
        weight: in the mean over tasks, which accuracy is.
        max_bytes: an answer ends after so many bytes of UTF-8, never inside a character.
        stop: an answer is cut before the first of these.
        few_shot: worked examples before every question.
    """

    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=NAME)
    weight: float = Field(default=1.0, gt=0)
    max_bytes: int = Field(default=32, ge=1, le=65536)
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    few_shot: FewShot = FewShot()


class ReasoningGymSettings(_TaskSettings):
    """Items made by a reasoning-gym family (or ``pair``, evoswarm's own composite).

    Attributes:
        source: where the items come from; decides which other keys there are.
        family: its name.
        config: settings of the family; those left out keep the defaults of the form.
        form: ``compact`` asks in few symbols, ``question`` in reasoning-gym's words.
        seed: of the source.
        scorer: ``verifier`` is the family's own, at full marks.
        evaluates_answers: permits verifiers that run answers as Python; each runs in a confined process.
    """

    source: Literal["reasoning_gym"]
    family: str = Field(min_length=1)
    config: dict[str, Any] = Field(default_factory=dict)
    form: Literal["compact", "question"] = "compact"
    seed: Seed = 0
    scorer: ScorerSettings = ScorerSettings(kind="verifier")
    evaluates_answers: bool = False


class DatasetSettings(_TaskSettings):
    """Items from the rows of a local table, or of a data set on the hub.

    Attributes:
        source: where the items come from; decides which other keys there are.
        path: a jsonl, ndjson, json, csv, tsv or parquet file (the first five in gzip too) or a folder that ``datasets``
            saved, from the working directory; or the name on the hub.
        subset: of a data set on the hub (its "configuration").
        split: of a data set on the hub or of a saved folder; a local file has ``train`` only.
        revision: of a data set on the hub.
        prompt: template of the question, with ``{column}`` placeholders; a brace of the text is written twice.
            ``{choices:lettered}`` writes options behind letters, ``{key:letter of choices}`` the letter of the right
            one, ``{key:letter}`` that of an option counted from 0 (``{key:letter from 1}`` from 1), and
            ``{number:integer}`` 1.0 as 1.
        answer: template of the right answer.
        scorer: how an answer is scored.
    """

    source: Literal["dataset"]
    path: str = Field(min_length=1)
    subset: str | None = None
    split: str = Field(default="train", min_length=1)
    revision: str | None = None
    prompt: str = "{question}"
    answer: str = "{answer}"
    scorer: ScorerSettings = ScorerSettings()


TaskSettings = Annotated[ReasoningGymSettings | DatasetSettings, Field(discriminator="source")]
