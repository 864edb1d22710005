"""The peer `genlm-bytes` (0.2): a beam of ways to cut a text into tokens for each member; the mix is their mean."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from genlm.backend import load_model_by_name
from genlm.bytes import BeamParams, ByteBeamState
from numpy.typing import NDArray
from side import Follow, serve

BEAM = {"K": 5, "prune_threshold": 0.05}
"""As its README has it; more would cost it more."""
BYTES, END = 256, 257  # numbers of its log-probabilities; 256 itself is the end of a token


def load(members: Sequence[str]) -> Follow:
    """Load the members; tries over their vocabularies are made here, once, as ours are."""
    loop = asyncio.new_event_loop()
    # It waits 20 ms for others before every forward unless it is told that there are none.
    models = [load_model_by_name(one, "hf", {"timeout": 0.0, "hf_opts": {"torch_dtype": "float32"}}) for one in members]
    for model in models:
        if model.tokenizer.bos_token_id is None:  # a text begins behind what the members were taught to begin behind
            model.tokenizer.bos_token = model.tokenizer.eos_token
    params = [BeamParams(**BEAM, eos_byte_strings=[model.tokenizer.eos_token.encode()]) for model in models]
    begun = [loop.run_until_complete(ByteBeamState.initial(*pair)) for pair in zip(models, params, strict=True)]

    async def follow(prompt: bytes, text: bytes) -> NDArray[np.float64]:
        for model in models:
            model.clear_cache()
        beams = [await beam.prefill(prompt) for beam in begun]
        said = np.zeros((len(text), BYTES + 1))
        for place, byte in enumerate(text):
            beams = [beam.prune() for beam in beams]
            for beam in beams:
                probs = np.exp((await beam.logp_next()).ps)
                said[place] += np.append(probs[:BYTES], probs[END]) / len(beams)
            beams = [await (beam << byte) for beam in beams]
        return said

    return lambda prompt, text: loop.run_until_complete(follow(prompt, text))


if __name__ == "__main__":
    serve(load)
