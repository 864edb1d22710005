"""Recipes over the zoo, by hand and by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from evoswarm.fusion import RULES, Parameter, parameters_of
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import GATES, Fusion, Recipe, RecipeMember

ZOO = ("gemma3-f", "gpt2-c", "llama-a", "llama-b", "mamba-b", "mistral-h", "neox-e", "opt-g", "qwen3-d")
ONE_TOKENIZER = ("llama-a", "llama-b", "mamba-b")
PROMPTS = ("47+85=", "rev tiger=", "gcd 48,36=", "sort 3,1,2=", "bits 13=")
CUTS: tuple[dict[str, Any], ...] = (
    {},
    {"sampled": True},
    {"sampled": True, "top_k": 3},
    {"sampled": True, "top_k": 20, "top_p": 0.9, "min_p": 0.05},
)
SURE = 1e-4  # nats: decisions with a smaller margin may turn on rounding


def spec(name: str, path: str | None = None, **fields: Any) -> MemberSpec:
    """A member of the zoo on the CPU in float32; the chat member through its template."""
    given = {"device": "cpu", "dtype": "float32", "chat_template": name == "qwen3-d", **fields}
    return MemberSpec(name=name, path=path or f"zoo:{name}", **given)


def recipe(
    *names: str,
    lead: str | None = None,
    weights: Sequence[float] = (),
    temperatures: Sequence[float] = (),
    thresholds: Sequence[float] = (),
    fusion: Fusion | None = None,
    **fields: Any,
) -> Recipe:
    """A recipe over members of the zoo; the first leads unless said otherwise."""
    size = len(names)
    members = tuple(
        RecipeMember(spec=spec(name), weight=weight, temperature=temperature, threshold=threshold)
        for name, weight, temperature, threshold in zip(
            names, weights or [1.0] * size, temperatures or [1.0] * size, thresholds or [0.0] * size, strict=True
        )
    )
    return Recipe(members=members, lead=lead or names[0], fusion=fusion or Fusion(), **fields)


def parameters(known: Mapping[str, Parameter], between: bool = False) -> st.SearchStrategy[dict[str, float]]:
    """Values of these parameters: defaults, ends and halves, or anything between the ends of what is searched too."""

    def values(one: Parameter) -> st.SearchStrategy[float]:
        ends = [one.default, *one.searched, *([math.inf, -math.inf] if one.infinite else [])]
        special = st.sampled_from([v for v in (*ends, 0.0, 0.5, 1.0, -2.0) if one.at_least <= v <= one.at_most])
        drawn = special | st.floats(*one.searched) if between else special
        return st.just(one.default) | drawn if one.optional else drawn

    return st.fixed_dictionaries({name: values(one) for name, one in known.items()})


def fusions(rules: Iterable[str] = RULES) -> st.SearchStrategy[Fusion]:
    """Every rule with every kind of parameter."""
    values = parameters(parameters_of(RULES), between=True)
    return st.builds(lambda rule, given: Fusion(rule=rule, **given), st.sampled_from(list(rules)), values)


@st.composite
def recipes(
    draw: st.DrawFn,
    pool: Sequence[str],
    alphabet: str = "bytes",
    samples: Sequence[int] = (1, 1, 3),
    gates: Sequence[str] = ("entropy", *GATES),
) -> Recipe:
    """Random recipes over a pool."""
    names = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=min(4, len(pool)), unique=True))
    size = len(names)
    few = {"min_size": size, "max_size": size}
    return recipe(
        *names,
        lead=draw(st.sampled_from(names)),
        weights=draw(st.lists(st.floats(0.05, 5.0), **few)),  # type: ignore[arg-type]
        temperatures=draw(st.lists(st.sampled_from([0.5, 1.0, 1.0, 1.7]), **few)),  # type: ignore[arg-type]
        thresholds=draw(st.lists(st.sampled_from([0.0, 0.0, 0.3, 1.1, 50.0]), **few)),  # type: ignore[arg-type]
        gate=draw(st.sampled_from(gates)),
        fusion=draw(fusions()),
        samples=draw(st.sampled_from(samples)),
        sampling_temperature=draw(st.sampled_from([0.6, 1.0, 3.0])),
        noise_seed=draw(st.integers(0, 3)),
        **draw(st.sampled_from(CUTS)),
        alphabet=alphabet,
    )
