"""What reading along drafts saves a lone stream of an always-on mix of three."""

from __future__ import annotations

from unittest.mock import patch

import torch

from evoswarm import Completion, Request, Swarm
from evoswarm.decoding import drafts
from evoswarm.decoding.member import Member
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, alternate, at_most, median_ratio, spread
from tests.benchmarks.large import ENOUGH_BYTES, members, mixture
from tests.benchmarks.models import passages, sizes

NEW_TOKENS, PROMPT_BYTES = 128, 200
NOISE = {"speculation": 0.002, "speculation_doubtful": 0.02}
"""By figure: how far the weights of the three members differ, as a share of each."""


def speculation(options: Options) -> Readings:
    """Three Llamas of one tokenizer whose weights are those of one, a little off: they agree as trained ones may."""
    return {key: _against_plain(options, noise) for key, noise in NOISE.items()}


def _against_plain(options: Options, noise: float) -> Reading:
    with members(options, "llama", "llama", "llama") as chosen:
        chosen = [_off(member, f"{member.spec.name}-{seed}", seed, noise) for seed, member in enumerate(chosen)]
        prompt, _ = next(iter(passages(1, PROMPT_BYTES, 8)))
        asked = [
            Request(mixture(chosen, "tokens"), prompt, max_symbols=options.size(NEW_TOKENS, 8), max_bytes=ENOUGH_BYTES)
        ]
        done: dict[str, Completion] = {}

        def plainly() -> None:
            with patch.object(drafts, "LEAST_PARAMETERS", 1 << 60):
                done["plain"] = Swarm(chosen).decode(asked)[0]

        def drafting() -> None:
            with patch.object(drafts, "LEAST_PARAMETERS", 0):
                done["drafts"] = Swarm(chosen).decode(asked)[0]

        times = alternate(drafting, plainly, options.pairs)
        plain, drafted = done["plain"], done["drafts"]
        alike = "the same answer" if plain.samples[0].text == drafted.samples[0].text else "ANOTHER ANSWER"
        forwards = f"{_forwards(drafted)} forwards and {_forwards(plain)}"
        note = f"{sizes(chosen)}; 1 stream, {plain.steps} symbols, {alike}; {forwards}; {spread(times)}"
        return Reading(median_ratio(times), note)


def _off(member: Member, name: str, seed: int, noise: float) -> Member:
    """A member whose weights are changed in place."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in member.reader.model.parameters():  # type: ignore[attr-defined]  # of a model of transformers
        parameter.data.mul_(1 + noise * torch.randn(parameter.shape, generator=generator))
    return member.called(member.spec.model_copy(update={"name": name, "fingerprint": None}))


def _forwards(done: Completion) -> int:
    return 0 if done.work is None else done.work.forwards


MEASUREMENTS = (Measurement(dict.fromkeys(NOISE) | {"speculation": at_most(0.6)}, speculation, one_thread=False),)
