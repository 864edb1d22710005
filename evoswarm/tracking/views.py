"""What an experiment of ours looks like from the beginning: what it is about, and two views of its runs by name.

Views are MLflow's own: columns, a filter and charts that somebody has saved for an experiment, to be chosen under
"Views" on its page. They are kept as tags; an MLflow that does not know them shows its usual columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.tracking.naming import EARLIER, NOTE, ROLE

_KIND = ("mlflow.experimentKind", "custom_model_development")
_VIEW = "mlflow.sharedViewState."
_MODE = "FIRST_20_RUNS"  # how many runs charts show
_WIDTH = 130  # of a column


def experiment_tags() -> dict[str, str]:
    """The tags of an experiment that is made for searches."""
    about = (
        "Every run is a search of evoswarm; its overview says what came of it. *Views*, on the right, has two for you: "
        "**Searches**, and **Champions and fronts**."
    )
    return {
        NOTE: about,
        _KIND[0]: _KIND[1],
        f"{_VIEW}evoswarm-searches": _saved("Searches", _SEARCHES, _SEARCH_COLUMNS, _search_charts()),
        f"{_VIEW}evoswarm-champions": _saved(
            "Champions and fronts", _POLICIES, _POLICY_COLUMNS, _policy_charts(), grouped=ROLE
        ),
    }


_SEARCHES = "tags.`evoswarm.seed` != ''"  # and no opening of test items, no export, no study
_POLICIES = f"tags.`{ROLE}` != '{EARLIER}'"
_SEARCH_COLUMNS = (
    "tags.`evoswarm.verdict`",
    "metrics.`test_accuracy`",
    "metrics.`selection_accuracy`",
    "metrics.`champion_flops`",
    "metrics.`champion_passes`",
    "metrics.`work/evaluations`",
    "tags.`evoswarm.champion`",
)
_POLICY_COLUMNS = (
    f"tags.`{ROLE}`",
    "params.`lead`",
    "params.`rule`",
    "metrics.`selection_accuracy`",
    "metrics.`expected_accuracy`",
    "metrics.`flops`",
    "metrics.`passes`",
    "metrics.`open_share`",
)


def _search_charts() -> list[dict[str, Any]]:
    lines = ("accuracy/best", "accuracy/median", "front/hypervolume", "front/size", "islands/diversity")
    bars = ("test_accuracy", "selection_accuracy", "champion_flops")
    return [*(_line(name) for name in lines), *(_bar(name) for name in bars)]


def _policy_charts() -> list[dict[str, Any]]:
    return [
        _card("SCATTER", "Accuracy against FLOPs")
        | {
            "xaxis": {"key": "flops", "type": "METRIC"},
            "yaxis": {"key": "selection_accuracy", "type": "METRIC"},
            "runsCountToCompare": 100,
        },
        _card("PARALLEL", "Lead, costs and accuracy")
        | {
            "selectedParams": ["lead"],
            "selectedMetrics": ["open_share", "flops", "selection_accuracy"],
            "showAllRuns": False,
        },
        *(_bar(name) for name in ("selection_accuracy", "flops", "passes", "open_share")),
    ]


def _line(metric: str) -> dict[str, Any]:
    return _card("LINE", metric) | {
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "lineSmoothness": 0,
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "range": {},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def _bar(metric: str) -> dict[str, Any]:
    return _card("BAR", metric) | {"metricKey": metric}


def _card(kind: str, title: str) -> dict[str, Any]:
    return {
        "uuid": f"evoswarm-{kind}-{title}",
        "type": kind,
        "runsCountToCompare": 20,
        "metricSectionId": "evoswarm",
        "deleted": False,
        "isGenerated": False,
        "displayName": title,
    }


def _saved(
    name: str, filtered: str, columns: Sequence[str], charts: Sequence[Mapping[str, Any]], grouped: str | None = None
) -> str:
    """A view as MLflow keeps it: rows by the value of a tag, if any; children have rows of their own only then."""
    keys = [] if grouped is None else [{"mode": "tag", "groupByData": grouped}]
    section = {"uuid": "evoswarm", "name": name, "display": True, "isReordered": False, "deleted": False}
    state = {
        "searchFilter": filtered,
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(columns),
        "columnOrder": list(columns),
        "columnWidths": dict.fromkeys(columns, _WIDTH),
        "runsHiddenMode": _MODE,
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,
        "useGroupedValuesInCharts": False,
        "hideEmptyCharts": True,
        "groupBy": {"aggregateFunction": "average", "groupByKeys": keys} if keys else None,
        "groupsExpanded": {},
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
        "compareRunCharts": list(charts),
        "compareRunSections": [section | {"isGenerated": False}],
    }
    return json.dumps({"name": name, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})
