"""The target: nothing is written; a command of its own hands on to the harness."""

from __future__ import annotations

from evoswarm.export.target import Target

LM_EVAL = Target(
    name="lm-eval",
    title="a model of the lm-evaluation-harness: its tasks, prompts and metrics judge the policy",
    takes="policy",
    command="evoswarm lm-eval --model_args policy=RUN --tasks TASK",
    extra="lm-eval",
    packages=("lm_eval",),
)
