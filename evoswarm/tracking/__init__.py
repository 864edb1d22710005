"""MLflow mirrors a run: parameters, metrics per generation and island, lineage, champions; each thing once."""

from evoswarm.tracking.drawn_split import DrawnSplit
from evoswarm.tracking.naming import CHAMPION, FRONT, Standing, flattened
from evoswarm.tracking.search_log import ChildRun, Outcome, SearchRun
from evoswarm.tracking.study_log import StudyLog, StudyRun, TrialRun
from evoswarm.tracking.tracker import Tracker, tracking_uri

__all__ = [
    "CHAMPION",
    "FRONT",
    "ChildRun",
    "DrawnSplit",
    "Outcome",
    "SearchRun",
    "Standing",
    "StudyLog",
    "StudyRun",
    "Tracker",
    "TrialRun",
    "flattened",
    "tracking_uri",
]
