"""Single members as their owners run them: in their own tokens, through their own chat template, sampled as they say.

A search asks all members alike, so that their distributions can be mixed. Nobody who has only one of them would: so
what a member does alone in its own ways is a rival, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evoswarm.checkpoint import Generation
from evoswarm.decoding.decoder import Decoder, MemberFacts
from evoswarm.evaluation.candidate import Candidate, Scored, best_of
from evoswarm.policies import Recipe
from evoswarm.policies.sampling import answers_words

QUESTION = "{prompt}"
"""The prompt format that adds nothing to an item."""


def ways_of(alone: Recipe, decoder: Decoder) -> tuple[Candidate, ...]:
    """The other ways in which a member answers once: all of them candidates for the best single member.

    Its tokens are its own. Where it has a chat template, the item goes through it, as the space writes it and as it is.
    Answers are greedy, and drawn where its generation settings say so. Descriptions say how it is asked.

    Args:
        alone: the member as the space asks it, greedy.
        decoder: knows its generation settings, and its template where it is asked without.
    """
    asked = next(facts for facts in decoder.facts if facts.spec.name == alone.lead)
    through = decoder.templated.get(alone.lead)
    found: dict[str, Candidate] = {}
    for facts in [asked] if through is None else [asked, through]:
        formats = [alone.prompt_format, QUESTION] if facts.spec.chat_template else [alone.prompt_format]
        for prompt_format in formats:
            for recipe in _answers(_greedy(alone, facts, prompt_format), asked.generation):
                how = manner(recipe, alone, asked.generation)
                name = f"{alone.lead} {how}, {answers_words(recipe)}"
                found.setdefault(recipe.digest, Candidate(name, recipe, description=how))
    found.pop(alone.digest, None)
    return tuple(found.values())


def samplers(alone: Scored, ways: Sequence[Scored]) -> Iterator[Scored]:
    """The ways of a member that are worth several answers: its own way to sample, and what is better than the space's.

    Args:
        alone: the member as the space asks it, greedy.
        ways: of ``ways_of``.
    """
    drawn = [one for one in ways if isinstance(one.policy, Recipe) and one.policy.sampled]
    greedy = [one for one in ways if one not in drawn]
    if drawn:
        yield best_of(drawn)
    if greedy and best_of(greedy).accuracy > alone.accuracy:
        yield best_of(greedy)


def manner(recipe: Recipe, alone: Recipe, generation: Generation) -> str:
    """How a member is asked as its owner runs it, in words.

    Args:
        recipe: one of its ways.
        alone: the member as the space asks it.
        generation: its settings.
    """
    parts = ["own tokens"]
    parts += ["own chat template"] if recipe.specs[0].chat_template else []
    parts += ["the question as it is"] if recipe.prompt_format != alone.prompt_format else []
    parts += [f"without its {' and '.join(generation.left_out)}"] if generation.left_out else []
    return f"as its owner runs it ({', '.join(parts)})"


def _greedy(alone: Recipe, facts: MemberFacts, prompt_format: str) -> Recipe:
    """A member in its own tokens: for one member, ``common`` is its vocabulary."""
    return alone.changed(
        alphabet="common" if alone.alphabet == "bytes" else alone.alphabet,
        members=[{"spec": facts.spec.model_dump()}],
        lead=facts.spec.name,
        prompt_format=prompt_format,
    )


def _answers(greedy: Recipe, generation: Generation) -> Iterator[Recipe]:
    yield greedy
    if generation.sampled:
        yield greedy.changed(
            sampled=True,
            sampling_temperature=generation.temperature,
            top_k=generation.top_k,
            top_p=generation.top_p,
            min_p=generation.min_p,
        )
