"""What ``evoswarm zoo list`` prints."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from evoswarm.cli.showing.screen import make_console, meanings
from evoswarm.errors import MemberError
from evoswarm.experiment.wording import quantity
from evoswarm.zoo import catalogue

_BORDERS = 3  # characters of a column besides its cells: two blanks and a line
_FACTS = {
    "path": "as the pool of a space names it",
    "architecture": "of the model, as transformers calls it",
    "tokenizer": "members of one name share it",
    "size": "parameters",
}


def print_zoo() -> None:
    """The built-in members with their cards' figures, a line each; families that find no room stand below."""
    try:
        cards = {name: catalogue.card(name) for name in catalogue.names()}
    except OSError as error:
        raise MemberError(
            f"expected a card beside every built-in member, got: {error.strerror}: {error.filename}"
        ) from None
    families = list(dict.fromkeys(family for card in cards.values() for family in card["accuracy"]))
    console = make_console()
    facts = {
        "path": [f"zoo:{name}" for name in cards],
        "architecture": [card["model_type"] for card in cards.values()],
        "tokenizer": [card["tokenizer"] for card in cards.values()],
        "size": [quantity(card["parameters"]) for card in cards.values()],
    }
    scores = {family: [f"{card['accuracy'][family]:.2f}" for card in cards.values()] for family in families}
    for number, columns in enumerate(_side_by_side(facts, scores, console.width)):
        title = None if number else "The built-in members, and their accuracy on held-out items of each family"
        console.print(_table(title, columns))
    families_are = "accuracy on a family of questions, 1 is all right; behind a dot, on one part of its answers"
    meanings(console, {**_FACTS, "other columns": families_are})


def _side_by_side(
    facts: dict[str, list[str]], scores: dict[str, list[str]], width: int
) -> Iterator[dict[str, list[str]]]:
    """The columns, as many as fit in one table; whatever follows begins with the members' names again."""
    columns = dict(facts)
    for family, cells in scores.items():
        if _wide({**columns, family: cells}) > width and len(columns) > 1:
            yield columns
            columns = {"path": facts["path"]}
        columns[family] = cells
    yield columns


def _wide(columns: dict[str, list[str]]) -> int:
    return 1 + sum(max(map(len, (title, *cells))) + _BORDERS for title, cells in columns.items())


def _table(title: str | None, columns: dict[str, list[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        words = name in ("path", "architecture", "tokenizer")
        table.add_column(name, justify="left" if words else "right", no_wrap=True)
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    return table
