"""A policy for people: what it does in words, where its members are, and what its file says of it."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from evoswarm.cli.showing.screen import commands, heading, prose
from evoswarm.policies import PolicyDocument
from evoswarm.policies.about import About
from evoswarm.policies.places import whereabouts

SHARES = "Shares of steps are of its answers to the selection items."
"""Stands below words that have any."""

_KINDS = {"mix": "a mix", "vote": "a vote", "route": "a route"}


def print_policy(console: Console, document: PolicyDocument, typed: str) -> None:
    """Everything that its file says.

    Args:
        console: to print on.
        document: the policy, and what is known of it.
        typed: the policy as it is named on a command line.
    """
    policy, about = document.policy, document.about
    console.print(f"\n[bold]Policy[/bold] [dim]{policy.digest[:12]}[/dim], {escape(_KINDS[policy.kind])}")
    words = policy.words({} if about is None else about.spoken)
    for line in words:
        prose(console, f"  {line}")
    if any("% of steps" in line for line in words):
        prose(console, f"  {SHARES}")
    heading(console, "Its members")
    for spec in policy.specs:
        revision = "" if spec.revision is None else f" at {spec.revision}"
        known = "" if spec.fingerprint is None else f", fingerprint {spec.fingerprint[:12]}"
        prose(console, f"  {spec.name}: {spec.path}{revision}, {whereabouts(spec.path)}{known}", hanging="    ")
    heading(console, "What is known of it")
    if about is None:
        prose(console, "  Nothing: its file says what it is, and not where it comes from.")
    else:
        _print_about(console, about)
    commands(console, "Use it", [f"evoswarm generate {typed} 'YOUR QUESTION'", f"evoswarm serve {typed}"])


def _print_about(console: Console, about: About) -> None:
    """Where it comes from, what it scored in all and by task, what its certificate says."""
    prose(console, f"  It comes {about.sentence()}.")
    scored = about.test or about.selection
    if scored is not None and len(scored.by_task) > 1:
        for name, one in scored.by_task.items():
            prose(console, f"    {name}: {one.words()}")
    if about.verdict is not None:
        prose(console, f"  {about.verdict.sentence}")
    day = "" if about.date is None else f" on {about.date}"
    prose(console, f"  Searched{day} with seed {about.seed}, by evoswarm {about.evoswarm}.")
    limits = ", ".join(f"{name} {asked.max_bytes:,}" for name, asked in about.tasks.items())
    prose(console, f"  Its tasks, with the bytes that an answer may have: {limits}.")
