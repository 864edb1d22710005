"""MLflow mirrors a run: parameters, metrics per generation and island, lineage, champions; each thing once."""

from evoswarm.tracking.naming import flattened
from evoswarm.tracking.search_log import ChildRun, SearchRun
from evoswarm.tracking.tracker import Tracker, tracking_uri

__all__ = ["ChildRun", "SearchRun", "Tracker", "flattened", "tracking_uri"]
