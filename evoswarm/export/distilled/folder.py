"""A student as an ordinary Hugging Face folder, which loads without evoswarm."""

from __future__ import annotations

from pathlib import Path

import torch

from evoswarm.export.distilled.student import Student


def write_model(student: Student, folder: Path, longest: int) -> None:
    """Write configuration, weights, tokenizer and how to generate; the student is on the host then, as it is written.

    Args:
        student: trained.
        folder: that is there.
        longest: tokens of an answer, at most, unless the caller of ``generate`` says otherwise.

    Raises:
        OSError: it cannot be written.
    """
    model = student.model.to("cpu", getattr(torch, student.dtype)).eval()
    model.config.dtype = getattr(torch, student.dtype)
    ends = list(student.codec.end_ids)
    generation = model.generation_config
    generation.do_sample = False
    for name in ("temperature", "top_k", "top_p", "min_p", "typical_p"):
        setattr(generation, name, None)  # of an owner who drew its answers: it is greedy now
    generation.max_length, generation.max_new_tokens = None, longest
    generation.eos_token_id = ends if len(ends) > 1 else ends[0]
    pad = student.tokenizer.pad_token_id
    generation.pad_token_id = ends[0] if pad is None else pad
    generation.bos_token_id = student.tokenizer.bos_token_id
    model.save_pretrained(folder)
    student.tokenizer.save_pretrained(folder)
    for weights in folder.glob("*.safetensors"):
        weights.chmod(0o644)  # its writer keeps them from everybody else
