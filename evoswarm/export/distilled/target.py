"""The target ``distilled`` of exports; torch is imported when it is used."""

from __future__ import annotations

import shutil
from pathlib import Path

from evoswarm.errors import Where
from evoswarm.export.distilled import work_of
from evoswarm.export.distilled.plan import StudentPlan, read_plan
from evoswarm.export.source import Source
from evoswarm.export.target import ExportError, Options, Target
from evoswarm.member_spec import MemberSpec
from evoswarm.model_files import model_files


def plan_of(options: Options) -> StudentPlan:
    """The plan that the caller names.

    Raises:
        ExportError: none is named.
        SpaceError: it is none.
    """
    if options.student is None:
        raise ExportError(
            "expected a model to train, or a file of YAML that says how to make one (see the guide), got none",
            Where("--student"),
        )
    return read_plan(options.student, options.overrides)


def _check(options: Options) -> None:
    """Refuse a plan that is none, and a model whose files are missing or unfit, before a library is imported."""
    plan = plan_of(options)
    if plan.model is not None:
        where = Where("--student")
        files = model_files(MemberSpec(name="student", path=plan.model), where)
        if files is not None:
            files.check(where if plan.chat_template else None)


def write_distilled(source: Source, out: Path, options: Options) -> list[str]:
    """Train a student and write it."""
    plan = plan_of(options)
    from evoswarm.export.distilled.card import kept_in_words
    from evoswarm.export.distilled.making import distil

    made = distil(source, plan, out, options)
    return [
        f"{options.out} is a student of {made.parameters:,} parameters; its README.md says what it was taught.",
        kept_in_words(made.compared),
        f'It loads with AutoModelForCausalLM.from_pretrained("{options.out}"), and can be a member of a pool.',
    ]


def _in_its_place(options: Options) -> None:
    """Whoever was stopped before would have gone on with this."""
    shutil.rmtree(work_of(options.out), ignore_errors=True)


DISTILLED = Target(
    name="distilled",
    title="one small model that was trained to answer as the champion does, at one pass a token",
    takes="run",
    command='AutoModelForCausalLM.from_pretrained("OUT")',
    write=write_distilled,
    signs=("distilled.json", "config.json"),
    options=("student", "overrides"),
    wants=("student",),
    check_options=_check,
    done=_in_its_place,
)
