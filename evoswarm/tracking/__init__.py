"""MLflow mirrors a run: parameters, metrics per generation and island, lineage, champions; each thing once."""

from evoswarm.tracking.drawn_split import DrawnSplit
from evoswarm.tracking.naming import CHAMPION, FRONT, Role, flattened
from evoswarm.tracking.search_log import ChildRun, Outcome, SearchRun
from evoswarm.tracking.study_log import StudyLog, StudyRun, TrialRun
from evoswarm.tracking.tracker import Tracker, tracking_uri

__all__ = [
    "CHAMPION",
    "FRONT",
    "ChildRun",
    "DrawnSplit",
    "Outcome",
    "Role",
    "SearchRun",
    "StudyLog",
    "StudyRun",
    "Tracker",
    "TrialRun",
    "flattened",
    "tracking_uri",
]
