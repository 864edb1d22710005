"""evoswarm: evolves mixtures of language models at decoding time.

The public names are imported when they are first used, so that ``import evoswarm`` is instant.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evoswarm.certificate.document import Certificate as Certificate
    from evoswarm.decoding.request import Completion as Completion
    from evoswarm.decoding.request import Request as Request
    from evoswarm.decoding.swarm import Swarm as Swarm
    from evoswarm.errors import EvoswarmError as EvoswarmError
    from evoswarm.evaluation.evaluation import Summary as Summary
    from evoswarm.experiment.certification import certify as certify
    from evoswarm.experiment.result import SearchResult as SearchResult
    from evoswarm.experiment.session import search as search
    from evoswarm.experiment.workbench import evaluate as evaluate
    from evoswarm.member_spec import MemberSpec as MemberSpec
    from evoswarm.policies.mix import Recipe as Recipe
    from evoswarm.space import SearchSpace as SearchSpace
    from evoswarm.trust import Trust as Trust

__version__ = "0.1.0"

_HOMES = {
    "Certificate": "evoswarm.certificate.document",
    "Completion": "evoswarm.decoding.request",
    "EvoswarmError": "evoswarm.errors",
    "MemberSpec": "evoswarm.member_spec",
    "Recipe": "evoswarm.policies.mix",
    "Request": "evoswarm.decoding.request",
    "SearchResult": "evoswarm.experiment.result",
    "SearchSpace": "evoswarm.space",
    "Summary": "evoswarm.evaluation.evaluation",
    "Swarm": "evoswarm.decoding.swarm",
    "Trust": "evoswarm.trust",
    "certify": "evoswarm.experiment.certification",
    "evaluate": "evoswarm.experiment.workbench",
    "search": "evoswarm.experiment.session",
}

__all__ = [
    "Certificate",
    "Completion",
    "EvoswarmError",
    "MemberSpec",
    "Recipe",
    "Request",
    "SearchResult",
    "SearchSpace",
    "Summary",
    "Swarm",
    "Trust",
    "certify",
    "evaluate",
    "search",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
