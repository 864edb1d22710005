"""An adapter becomes a member: its base is loaded, and the adapter merged into it."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evoswarm.checkpoint import Adapter, Description, Unfit, adapter_of
from evoswarm.checkpoint.weights import ADAPTERS, read_header
from evoswarm.decoding.member.border import reading
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec


def find_adapter(spec: MemberSpec, directory: Path) -> Adapter | None:
    """The adapter in a directory; None where it holds a model.

    Raises:
        MemberError: it is broken, or cannot be merged because ``peft`` is not installed.
    """
    with reading(spec.name, str(directory)):
        adapter = adapter_of(Description(directory))
    if adapter is not None and find_spec("peft") is None:
        raise MemberError(
            f"member {spec.name!r}: expected a whole model in {str(directory)!r}, got an adapter ({adapter.kind}) of"
            f" {adapter.base!r}: install evoswarm[adapters], which merges it when it is loaded, or merge it once (peft:"
            " merge_and_unload, then save_pretrained)"
        )
    return adapter


def merged(spec: MemberSpec, adapter: Adapter, base: Path, model: Any) -> Any:
    """The model of the base in a directory, with the adapter merged into its weights.

    Raises:
        MemberError: the adapter is broken or does not fit the base.
    """
    what = f"expected an adapter of {str(base)!r} in {str(adapter.directory)!r}, got one that cannot be merged"
    with reading(spec.name, what), warnings.catch_warnings():
        from peft import PeftModel, get_peft_model_state_dict

        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="Found missing adapter keys")  # peft would draw them by chance
        adapted = PeftModel.from_pretrained(model, adapter.directory)
        weights = adapter.directory / ADAPTERS[0]
        stored = set(read_header(weights) or ()) if weights.is_file() else set()
        unused = sorted(stored - set(get_peft_model_state_dict(adapted)))
        if unused:
            raise Unfit(
                f"expected weights of {str(base)!r} in {str(weights)!r}, got {unused[0]}, which it has no place for"
            )
        return adapted.merge_and_unload(safe_merge=True)
