"""What a student is and how it is taught: a file of YAML, or a model with everything else as it comes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from evoswarm.canonical import digest_of
from evoswarm.errors import SpaceError, Where
from evoswarm.member_spec import DtypeName, MemberPath
from evoswarm.settings import Contradiction, Seed, Settings
from evoswarm.space.explain import explain
from evoswarm.space.source_map import SourceMap
from evoswarm.space.strict_yaml import LARGEST, read_yaml
from evoswarm.user_files import read_bytes

YAML_ENDINGS = (".yaml", ".yml", ".json")
"""Of the name of a file that holds a plan; JSON is YAML."""

Name = Annotated[str, Field(min_length=1)]


class Training(Settings):
    """How the student is trained: AdamW, a linear warm-up and a cosine down to zero.

    The defaults are those by which students of 0.3 million parameters were made in minutes; a model that knows
    something already wants a smaller rate (1e-5 to 1e-4).

    Attributes:
        steps: of the optimiser.
        batch: answers per step, drawn with the tasks' weights.
        batch_tokens: that are forwarded together, padding included; a batch of more takes several forwards.
        learning_rate: its peak; None is 3e-3 for a new model, 5e-5 for one that was trained before.
        warmup: share of the steps in which it rises.
        weight_decay: of matrices; gains and biases do not decay.
        clip: the largest norm of a step's gradient.
        seed: of new weights, of what every batch holds, and of dropout.
        device: ``auto`` is the first GPU, or the CPU.
        dtype: of the weights that are written; they are trained in float32. ``auto`` keeps what a model has, and is
            float32 for a new one.
        keep_every: steps between two savings of the state of training.
    """

    steps: int = Field(default=3000, ge=1, le=100_000_000)
    batch: int = Field(default=128, ge=1, le=1_000_000)
    batch_tokens: int = Field(default=16_384, ge=1)
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    warmup: float = Field(default=0.04, ge=0, le=1)
    weight_decay: float = Field(default=0.05, ge=0, le=1)
    clip: float = Field(default=1.0, gt=0)
    seed: Seed = 0
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    dtype: DtypeName = "auto"
    keep_every: int = Field(default=250, ge=1)


class StudentPlan(Settings):
    """A student and its lessons.

    Either ``model`` is named, or ``tokenizer`` and ``config`` are.

    Attributes:
        model: to train further: a directory, a hub id, or ``zoo:NAME``.
        tokenizer: of a new model: the name of a member of the run's pool, ``zoo:NAME``, a directory or a hub id.
        config: of a new model: ``model_type`` and whatever else transformers' configuration of that type takes. The
            size of the vocabulary and the ids of special tokens are the tokenizer's.
        chat_template: whether questions go through the tokenizer's chat template; None is wherever it has one.
        tasks: of the space that are taught; none named is all of them.
        weights: of tasks, that say how often each is taught; of one that is not named, the space's.
        questions: fresh ones that the champion answers, of each task; a source that has fewer gives all it has.
        wrong: what becomes of the champion's answers that score 0: they are dropped, or taught as they are.
        soft: share of the loss that follows the champion's distributions, where its symbols are the student's tokens;
            the rest follows the symbols that it chose.
        candidates: likeliest symbols that are kept of a distribution.
        training: how.
    """

    model: MemberPath | None = None
    tokenizer: MemberPath | None = None
    config: dict[str, Any] | None = None
    chat_template: bool | None = None
    tasks: tuple[Name, ...] = ()
    weights: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    questions: int = Field(default=4000, ge=1, le=100_000_000)
    wrong: Literal["drop", "keep"] = "drop"
    soft: float = Field(default=0.5, ge=0, le=1)
    candidates: int = Field(default=32, ge=1, le=4096)
    training: Training = Field(default_factory=Training)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        for contradiction in self._contradictions():
            raise contradiction
        return self

    def _contradictions(self) -> Iterator[Contradiction]:
        if self.model is not None:
            for key in ("tokenizer", "config"):
                if getattr(self, key) is not None:
                    yield Contradiction((key,), f"expected no {key} beside model (which has its own), got one")
            return
        for key in ("tokenizer", "config"):
            if getattr(self, key) is None:
                yield Contradiction((), f"expected a model, or a tokenizer and a config of a new one, got no {key}")
        if not isinstance((self.config or {}).get("model_type"), str):
            yield Contradiction(("config",), "expected a model_type in the config (such as llama), got none")

    @property
    def is_new(self) -> bool:
        """Whether the student's weights begin by chance."""
        return self.model is None

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides the student's weights, what its files hold left out."""
        content = self.model_dump(mode="json", exclude={"training": {"keep_every"}})
        return digest_of(content)


def read_plan(student: str, overrides: tuple[str, ...] = ()) -> StudentPlan:
    """The plan that ``--student`` names: a file of YAML or JSON, or a model that is trained further as it comes.

    Args:
        student: a path, a hub id, or ``zoo:NAME``.
        overrides: ``path.to.key=value``, the value in YAML.

    Raises:
        SpaceError: the file is no plan; names the field, its line and column.
    """
    file = Path(student).expanduser()
    if not (os.path.isfile(file) or student.endswith(YAML_ENDINGS)):
        if not student:
            raise SpaceError("expected a model's directory or a file of YAML, got an empty text", Where("--student"))
        content, name = json.dumps({"model": student}).encode(), "--student"
    else:
        content, name = read_bytes(file, limit=LARGEST, raises=SpaceError), student
    return _of_data(*read_yaml(name, content, overrides))


def _of_data(data: dict[str, Any], source: SourceMap) -> StudentPlan:
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    try:
        return StudentPlan.model_validate(settings, strict=True)
    except ValidationError as error:
        schema = StudentPlan.model_json_schema()
        path, message = explain(error.errors(include_url=False), data, schema, source)
        raise SpaceError(message, source.where(path)) from None
