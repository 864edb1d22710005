"""A search in MLflow's words: what its parameters, tags, metrics, description, table and child runs are."""

from evoswarm.experiment.mirror.champions import champions
from evoswarm.experiment.mirror.generation import metrics
from evoswarm.experiment.mirror.lineage import lineage
from evoswarm.experiment.mirror.outcome import outcome
from evoswarm.experiment.mirror.search import search_run, wait

__all__ = ["champions", "lineage", "metrics", "outcome", "search_run", "wait"]
