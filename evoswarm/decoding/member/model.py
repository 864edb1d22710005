"""Reads a member's model: what its config promises is held against its weights before anything is allocated."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from evoswarm.checkpoint import Description, StoredWeights, Unfit, Vocabulary, refuse_kind, stored_weights
from evoswarm.checkpoint.weights import WEIGHTS
from evoswarm.decoding.member.border import reading
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec

log = logging.getLogger(__name__)

NO_ADAPTER = {"subfolder": "no-adapter"}  # one that lies beside whole weights was merged into them
PARAMETERS_PER_TENSOR = 64  # experts that are stored as one tensor can be modules of their own
PARAMETERS_ANYWAY = 10_000
LITTLE = 1_000_000  # parameters that may be asked for before anything is said
MOST_BUFFER_BYTES = 1 << 32  # masks and tables that a model makes by itself


def examine(spec: MemberSpec, directory: Path) -> StoredWeights:
    """Refuse what is no causal language model by its files alone, before anything of it is read.

    Raises:
        MemberError: it is of another kind, has no weights, or such as cannot be its own.
    """
    description = Description(directory)
    with reading(spec.name, str(directory)):
        refuse_kind(description)
        stored = stored_weights(description)
        if not description.has("config.json") or not stored.files:
            lacking = "weights (model.safetensors)" if description.has("config.json") else "config.json"
            raise Unfit(f"expected a causal language model, so {lacking} in {str(directory)!r}, got none")
        description.check_layers(stored.tensors)
        Vocabulary(description).end_tokens()
    return stored


def read_model(spec: MemberSpec, directory: Path, stored: StoredWeights, dtype: Any) -> Any:
    """The causal language model in a directory, on the host.

    Args:
        spec: of the member.
        directory: that holds its files.
        stored: what ``examine`` found there.
        dtype: to convert it to; ``"auto"`` leaves it as it is stored.

    Raises:
        MemberError: its files are broken or do not go together, weights are missing or not finite.
    """
    from transformers import AutoModelForCausalLM

    description = Description(directory)
    config = _read_config(spec, description)
    what = f"expected a causal language model in {str(directory)!r}, got one that cannot be made as config.json says"
    with reading(spec.name, what):
        if not getattr(config, "auto_map", None):  # code of somebody's own need not bear to be tried without weights
            _check_promise(config, stored, description)
    with reading(spec.name, f"expected weights in {str(directory)!r}, got some that cannot be loaded"):
        model, report = AutoModelForCausalLM.from_pretrained(
            directory,
            config=config,
            dtype=dtype,
            trust_remote_code=spec.trust_remote_code,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            adapter_kwargs=dict(NO_ADAPTER),
            use_safetensors=stored.files[0].match(WEIGHTS[0]),
        )
    _check_report(spec, directory, report)
    _check_finite(spec, directory, model)
    return model


def _read_config(spec: MemberSpec, description: Description) -> Any:
    """The config, and how generation ends: each file is read apart, so that the one to blame is known."""
    from transformers import AutoConfig, GenerationConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    own_code = description.json("config.json").get("auto_map")
    if own_code and not spec.trust_remote_code and not _is_known(description):
        raise MemberError(
            f"member {spec.name!r}: {description.path('config.json')} names code of the checkpoint's own (auto_map), "
            "which runs only where you trust it: expected trust_remote_code: true (and --trust-remote-code), got false"
        )
    with reading(spec.name, f"expected the config of a model in {description.path('config.json')}, got"):
        if not own_code and not _is_known(description):
            raise Unfit(_unknown(description))
        config = AutoConfig.from_pretrained(description.directory, trust_remote_code=spec.trust_remote_code)
        if not own_code and type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
            raise Unfit(
                f"expected a causal language model in {str(description.directory)!r}, got model_type"
                f" {config.model_type!r}, of which transformers has none that writes text"
            )
    if description.has("generation_config.json"):
        with reading(spec.name, f"expected settings in {description.path('generation_config.json')}, got"):
            GenerationConfig.from_pretrained(description.directory)
    return config


def _is_known(description: Description) -> bool:
    from transformers import CONFIG_MAPPING

    kind = description.json("config.json").get("model_type")
    return isinstance(kind, str) and kind in CONFIG_MAPPING


def _unknown(description: Description) -> str:
    from transformers import __version__

    kind = description.json("config.json").get("model_type")
    if not isinstance(kind, str):
        return str(description.odd("config.json", "model_type", "the name of a family of models", kind))
    return (
        f"expected a model_type that transformers {__version__} knows in {description.path('config.json')}, got"
        f" {kind!r:.60}: a newer transformers may know it"
    )


def _check_promise(config: Any, stored: StoredWeights, description: Description) -> None:
    """Refuse a config that asks for more than the files of weights can hold, before memory is taken for it.

    Raises:
        Unfit: so many numbers cannot be in them.
    """
    from transformers import AutoModelForCausalLM

    most = PARAMETERS_ANYWAY + PARAMETERS_PER_TENSOR * (stored.elements if stored.tensors is None else stored.tensors)
    with _parameters_limited(most, description), torch.device("meta"):
        skeleton = AutoModelForCausalLM.from_config(deepcopy(config))
    promised = sum(one.numel() for one in skeleton.parameters())
    if promised > 2 * stored.elements + LITTLE:  # what lacks less is named when the rest is loaded
        raise Unfit(
            f"expected a model of at most {stored.elements:,} parameters in {description.path('config.json')} (as many"
            f" are in its weights), got one of {promised:,}"
        )
    made = sum(one.numel() * one.element_size() for one in skeleton.buffers())
    if made > MOST_BUFFER_BYTES + 4 * stored.elements:
        raise Unfit(
            f"expected tables of at most {MOST_BUFFER_BYTES:,} bytes beside the weights, got {made:,} bytes by the"
            f" sizes in {description.path('config.json')}"
        )


@contextmanager
def _parameters_limited(most: int, description: Description) -> Iterator[None]:
    """Break off the making of a model that would have too many parts."""
    seen = 0

    def count(module: nn.Module, name: str, parameter: Any) -> None:
        nonlocal seen
        seen += 1
        if seen > most:
            raise Unfit(
                f"expected a model of at most {most:,} parts in {description.path('config.json')} (by its weights), got"
                " more"
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def _check_report(spec: MemberSpec, directory: Path, report: dict[str, Any]) -> None:
    """Refuse weights that are not all there: transformers would draw them by chance. Say which are of no use."""
    for name, found, expected in sorted(report["mismatched_keys"], key=lambda entry: str(entry[0]))[:1]:
        raise MemberError(
            f"member {spec.name!r}: expected {name} of shape {list(expected)} in {str(directory)!r} (config.json says"
            f" so), got {list(found)}"
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise MemberError(
            f"member {spec.name!r}: expected all weights in {spec.path}, got none for {', '.join(missing[:3])}"
        )
    if report.get("error_msgs"):
        raise MemberError(f"member {spec.name!r}: {spec.path}: {' '.join(str(report['error_msgs'][0]).split()):.240}")
    unused = sorted(report["unexpected_keys"])
    if unused:
        names = ", ".join(unused[:3]) + (", ..." if len(unused) > 3 else "")
        log.warning("member %s: %d of its weights are used by nothing: %s", spec.name, len(unused), names)


def _check_finite(spec: MemberSpec, directory: Path, model: Any) -> None:
    for name, one in model.named_parameters():
        if not one.numel() or not one.is_floating_point():
            continue
        least, most = torch.aminmax(one)
        if not bool(torch.isfinite(least) & torch.isfinite(most)):
            hint = "; float16 ends at 65,504: try bfloat16 or float32" if one.dtype == torch.float16 else ""
            raise MemberError(
                f"member {spec.name!r}: expected finite weights in {str(directory)!r}, got nan or infinity in"
                f" {name}{hint}"
            )
