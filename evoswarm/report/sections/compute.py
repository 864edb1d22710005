"""Where compute went: that of the champion, member by member and by position, and that of the search itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.numbers import short

_ENGINE = ("rows_forwarded", "rows_reforwarded", "prompt_tokens", "forwards", "forward_seconds", "decode_seconds")
_SHARING = "sharing/"


def compute(run: RunFiles) -> dict[str, Any] | None:
    """What the search took, and what its champion takes; None where neither is known.

    Returns:
        ``read`` (see `_read`), ``positions`` (see `_positions`) and ``search`` (see `_search`), each None where nothing
        is known of it.
    """
    found = {"read": _read(run), "positions": _positions(run), "search": _search(run.generations)}
    return found if any(found.values()) or run.champion is not None else None


def _read(run: RunFiles) -> list[dict[str, Any]] | None:
    """Tokens of an item that each member of the champion reads, on the selection items: of its prompt, of answers.

    A file has the tokens of both together, and the passes (calls). A member that answers alone reads the prompt in one
    pass and then a token a pass, so its prompts have so many tokens as it reads in all, less its passes but one. It
    reads as many of them in the champion, where it speaks in every answer.

    Returns:
        By member ``name``, ``prompt``, ``answer`` and ``flops``; None where the contenders do not tell.
    """
    if run.front is None or run.champion is None:
        return None
    costs = {row["name"]: row["cost"].get("members", {}) for row in run.front["contenders"]}
    own = next((row for row in run.front["contenders"] if row["digest"] == run.champion.policy.digest), None)
    if own is None or run.champion.policy.kind != "mix":
        return None
    rows = []
    for name, cost in own["cost"].get("members", {}).items():
        alone = costs.get(f"member {name}", {}).get(name)
        if alone is None or not cost["tokens"]:
            return None
        prompt = min(cost["tokens"], max(0.0, alone["tokens"] - max(0.0, alone["passes"] - 1.0)))
        rows.append(
            {
                "name": name,
                "prompt": short(prompt),
                "answer": short(cost["tokens"] - prompt),
                "flops": short(cost["flops"]),
            }
        )
    return rows or None


def _positions(run: RunFiles) -> dict[str, Any] | None:
    """Steps of the champion's traced answers, by how many members spoke there.

    Returns:
        ``split``, ``items`` (how many were traced) and ``speakers`` (how many steps had one speaker, two, ...); None
        where nothing was traced.
    """
    traces = run.traces
    if traces is None:
        return None
    speakers = Counter(
        len(step.speakers) for line in traces.lines if line.policy == "champion" for step in line.steps if step.speakers
    )
    if not speakers:
        return None
    counts = [speakers[number] for number in range(1, max(speakers) + 1)]
    return {"split": traces.header.split, "items": traces.header.items, "speakers": counts}


def _search(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Generation by generation, as journalled; None of searches of earlier versions.

    Returns:
        Columns ``generation``, ``seconds`` (null where it was replayed), ``new_evaluations``, ``decoded``, counters of
        the engine, and ``sharing``: by depth into the answer, how many distributions were asked for per one that was
        worked out, a value a generation.
    """
    if not figures:
        return None
    engines: list[Mapping[str, Any]] = [one.get("engine") or {} for one in figures]
    depths = dict.fromkeys(name for engine in engines for name in engine if name.startswith(_SHARING))
    return {
        "generation": [one["generation"] for one in figures],
        "seconds": [None if one["replayed"] else short(one["seconds"], 4) for one in figures],
        "new_evaluations": [one["new_evaluations"] for one in figures],
        "decoded": [one["decoded"] for one in figures],
        **{name: [short(engine.get(name)) for engine in engines] for name in _ENGINE},
        "sharing": {
            name.removeprefix(_SHARING): [short(engine.get(name)) for engine in engines]
            for name in sorted_depths(depths)
        },
    }


def sorted_depths(names: Mapping[str, None]) -> list[str]:
    """Depths in their order: ``sharing/0``, ``sharing/1``, ``sharing/2-3``, ..."""
    return sorted(names, key=lambda name: int(name.removeprefix(_SHARING).split("-")[0].rstrip("+")))
