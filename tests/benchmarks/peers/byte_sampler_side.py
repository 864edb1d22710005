"""The peer `byte-sampler` (Hayase et al. 2025): every valid way to cut a text into tokens; its own ensemble mixes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from byte_sampling import EnsembleBytewiseSamplerFactory
from byte_sampling.byte_conditioning import ByteConditioning
from numpy.typing import NDArray
from side import Follow, serve


def load(members: Sequence[str]) -> Follow:
    """Load the members; what it makes of their vocabularies is made here, once, as ours is."""
    made = [ByteConditioning(one, load_kwargs={"dtype": torch.float32}) for one in members]
    factory = EnsembleBytewiseSamplerFactory(made, mode="mix")

    @torch.inference_mode()
    def follow(prompt: bytes, text: bytes) -> NDArray[np.float64]:
        sampler = factory.get_bytewise_sampler(1)
        sampler.add_context([prompt])
        said = []
        for byte in text:
            # Its collector of what it keeps reads fields that caches of today's transformers do not have.
            said.append(sampler.get_dists(do_gc=False)[0].double().exp().numpy())
            sampler.add_context([bytes([byte])])
        return np.array(said)

    return follow


if __name__ == "__main__":
    serve(load)
