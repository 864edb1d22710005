"""The model that MLflow loads: a policy out of a bundle, its members loaded once."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel, PythonModelContext

from evoswarm.errors import EvoswarmError, RunError

if TYPE_CHECKING:
    from evoswarm.answering.engine import Engine
    from evoswarm.answering.question import Question

ARTIFACT = "bundle"
"""The name of the artifact that holds the policy and its members."""

AT_ONCE = 256
"""Rows that are answered together, as many as `evoswarm generate` takes."""


class AnsweringModel(PythonModel):  # type: ignore[misc]  # MLflow is not followed by the type checker
    """Answers the questions of a table's column ``prompt`` with the policy of a bundle.

    Several threads may ask: they wait for one another.
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._one_at_a_time = threading.Lock()

    def load_context(self, context: PythonModelContext) -> None:
        """Load the members of the bundle.

        Raises:
            EvoswarmError: a file is missing or has changed.
        """
        from evoswarm.answering.engine import Engine

        self._engine = Engine.load(Path(context.artifacts[ARTIFACT]))

    def predict(
        self, context: PythonModelContext, model_input: pandas.DataFrame, params: dict[str, Any] | None = None
    ) -> pandas.DataFrame:
        """Answer the questions.

        Args:
            context: MLflow's.
            model_input: a column ``prompt``, or those that the task words its questions from; where the policy's tasks
                differ, ``task``.
            params: ``max_bytes``, ``temperature``, ``seed`` and ``stop``, as in `Question`; those that are missing
                leave all to the policy and its task.

        Returns:
            One row per question: ``text``, ``finish``, ``failure`` and ``flops``.

        Raises:
            MlflowException: a question cannot be asked so, in one sentence.
        """
        assert self._engine is not None  # MLflow loads the context before it predicts
        try:
            questions = [_question(row, params or {}) for row in model_input.to_dict(orient="records")]
            with self._one_at_a_time:
                parts = (questions[start : start + AT_ONCE] for start in range(0, len(questions), AT_ONCE))
                replies = [reply for part in parts for reply in self._engine.answer(part)]
        except EvoswarmError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return pandas.DataFrame(
            {
                "text": [one.text for one in replies],
                "finish": [one.finish for one in replies],
                "failure": pandas.Series([one.failure for one in replies], dtype=object),
                "flops": [float(one.cost.flops) for one in replies],
            }
        )


def _question(row: Mapping[Hashable, Any], params: Mapping[str, Any]) -> Question:
    """A row as a question.

    Raises:
        RunError: it holds something else than a text.
    """
    from evoswarm.answering.question import Question

    prompt, task, stop = row.get("prompt"), row.get("task"), params.get("stop")
    if prompt is None:  # a row with the columns of the task's template
        prompt = {str(name): value for name, value in row.items() if name not in ("prompt", "task")}
    elif not isinstance(prompt, str):
        raise RunError(f"expected a text in the column prompt, got {prompt!r:.80}")
    return Question(
        prompt,
        task=task if isinstance(task, str) else None,
        max_bytes=params.get("max_bytes"),
        temperature=params.get("temperature"),
        seed=params.get("seed"),
        stop=None if stop is None or not len(stop) else tuple(map(str, stop)),
    )
