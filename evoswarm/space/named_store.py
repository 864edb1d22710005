"""Which store of MLflow's a space may name.

A store is told everything about a search, and MLflow sends it the user's credentials (``MLFLOW_TRACKING_TOKEN`` and its
kin); a store in a file is written wherever its URI says. So a space's ``tracking.uri`` counts on its caller's word
alone: ``--trust-tracking``, or ``--set tracking.uri=...``, which the caller wrote. The environment's
``MLFLOW_TRACKING_URI`` is the user's own, and wins over the space as ever; without either, a search is mirrored in a
file beside the runs.
"""

from __future__ import annotations

import os

from evoswarm.errors import SpaceError
from evoswarm.space.search_space import SearchSpace

VARIABLE = "MLFLOW_TRACKING_URI"


def named_store(space: SearchSpace) -> str | None:
    """The URI of the store that a space names; None where it names none, or is not asked.

    Raises:
        SpaceError: it names one, and its caller did not say that it may.
    """
    uri = space.tracking.uri
    if uri is None or not space.tracking.mlflow or os.environ.get(VARIABLE):
        return None
    if not space.trust.tracking:
        raise SpaceError(
            f"expected your own word that MLflow may be told at {uri:.80} (it would get your credentials for MLflow, "
            f"and every file of the run), got none: --trust-tracking, or {VARIABLE} in the environment, or "
            "--set tracking.uri=null for a file beside the runs",
            space.where("tracking", "uri"),
        )
    return uri
