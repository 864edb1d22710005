"""What the files of a run are called that more than one room reads."""

from __future__ import annotations

SPACE, FRONT, RECIPES = "space.yaml", "front.json", "recipes"
"""The search space with all defaults filled in; the Pareto front and all contenders; the folder of their recipes."""

FIRST_LOOK, CALIBRATION = "first_look.json", "calibration.json"
"""What each member does alone on the calibration items; how unsure each possible lead is there."""

TRACES, ALONE = "traces.jsonl", "alone.json"
"""Answers step by step, of the champion and of those it is best compared with; what each member alone scores."""

PAGE, REPORT = "certificate.txt", "report.html"
"""The certificate as people read it; the run as one page."""
