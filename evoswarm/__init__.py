"""evoswarm: evolves mixtures of language models at decoding time.

The public names are imported when they are first used, so that ``import evoswarm`` is instant.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evoswarm.answering.answers import answer as answer
    from evoswarm.answering.engine import Engine as Engine
    from evoswarm.answering.question import Question as Question
    from evoswarm.certificate.document import Certificate as Certificate
    from evoswarm.chat import Turn as Turn
    from evoswarm.decoding.request import Completion as Completion
    from evoswarm.decoding.request import Request as Request
    from evoswarm.decoding.swarm import Swarm as Swarm
    from evoswarm.errors import EvoswarmError as EvoswarmError
    from evoswarm.evaluation.evaluation import Summary as Summary
    from evoswarm.experiment.certification import certify as certify
    from evoswarm.experiment.evaluating import evaluate as evaluate
    from evoswarm.experiment.first_look.look import FirstLook as FirstLook
    from evoswarm.experiment.merge import merge as merge
    from evoswarm.experiment.progress import Progress as Progress
    from evoswarm.experiment.result import SearchResult as SearchResult
    from evoswarm.experiment.seeds_certification import certify_seeds as certify_seeds
    from evoswarm.experiment.session import search as search
    from evoswarm.export.transformers.in_process import as_custom_generate as as_custom_generate
    from evoswarm.member_spec import MemberSpec as MemberSpec
    from evoswarm.policies import Policy as Policy
    from evoswarm.policies import Recipe as Recipe
    from evoswarm.policies import Route as Route
    from evoswarm.policies import Vote as Vote
    from evoswarm.policies import load_policy as load_policy
    from evoswarm.report.writing import write_report as write_report
    from evoswarm.space import SearchSpace as SearchSpace
    from evoswarm.trust import Trust as Trust

__version__ = "0.1.0"

_HOMES = {
    "Certificate": "evoswarm.certificate.document",
    "Completion": "evoswarm.decoding.request",
    "Engine": "evoswarm.answering.engine",
    "EvoswarmError": "evoswarm.errors",
    "FirstLook": "evoswarm.experiment.first_look.look",
    "MemberSpec": "evoswarm.member_spec",
    "Policy": "evoswarm.policies",
    "Progress": "evoswarm.experiment.progress",
    "Question": "evoswarm.answering.question",
    "Recipe": "evoswarm.policies",
    "Request": "evoswarm.decoding.request",
    "Route": "evoswarm.policies",
    "SearchResult": "evoswarm.experiment.result",
    "SearchSpace": "evoswarm.space",
    "Summary": "evoswarm.evaluation.evaluation",
    "Swarm": "evoswarm.decoding.swarm",
    "Trust": "evoswarm.trust",
    "Turn": "evoswarm.chat",
    "Vote": "evoswarm.policies",
    "answer": "evoswarm.answering.answers",
    "as_custom_generate": "evoswarm.export.transformers.in_process",
    "certify": "evoswarm.experiment.certification",
    "certify_seeds": "evoswarm.experiment.seeds_certification",
    "evaluate": "evoswarm.experiment.evaluating",
    "load_policy": "evoswarm.policies",
    "merge": "evoswarm.experiment.merge",
    "search": "evoswarm.experiment.session",
    "write_report": "evoswarm.report.writing",
}

__all__ = [
    "Certificate",
    "Completion",
    "Engine",
    "EvoswarmError",
    "FirstLook",
    "MemberSpec",
    "Policy",
    "Progress",
    "Question",
    "Recipe",
    "Request",
    "Route",
    "SearchResult",
    "SearchSpace",
    "Summary",
    "Swarm",
    "Trust",
    "Turn",
    "Vote",
    "answer",
    "as_custom_generate",
    "certify",
    "certify_seeds",
    "evaluate",
    "load_policy",
    "merge",
    "search",
    "write_report",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
