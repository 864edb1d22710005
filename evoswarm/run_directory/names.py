"""What the files of a run are called that more than one room reads."""

from __future__ import annotations

SPACE, FRONT = "space.yaml", "front.json"
"""The search space with all defaults filled in; the Pareto front and all contenders, with scores and costs."""

FIRST_LOOK, CALIBRATION = "first_look.json", "calibration.json"
"""What each member does alone on the calibration items; how unsure each possible lead is there."""

TRACES, ALONE = "traces.jsonl", "alone.json"
"""Answers step by step, of the champion and of those it is best compared with; what each member alone scores."""

REPORT = "report.html"
"""The run as one page."""
