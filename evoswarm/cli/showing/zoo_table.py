"""What ``evoswarm zoo list`` prints."""

from __future__ import annotations

from rich.table import Table

from evoswarm.cli.showing.blocks import blocks
from evoswarm.cli.showing.screen import make_console, meanings
from evoswarm.errors import MemberError
from evoswarm.experiment.wording import quantity
from evoswarm.zoo import catalogue

_FACTS = {
    "path": "as the pool of a space names it",
    "architecture": "of the model, as transformers calls it",
    "tokenizer": "members of one name share it",
    "size": "parameters",
}


def print_zoo() -> None:
    """The built-in members with their cards' figures, a line each; what finds no room stands below."""
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
    columns = {name: cells for name, cells in (facts | scores).items() if name != "path"}
    names, wide = list(columns), [max(map(len, (name, *cells))) for name, cells in columns.items()]
    for some in blocks(max(map(len, facts["path"])), wide, console.width):
        title = None if some.start else "The built-in members, and their accuracy on held-out items of each family"
        console.print(_table(title, {"path": facts["path"]} | {names[place]: columns[names[place]] for place in some}))
    families_are = "accuracy on a family of questions, 1 is all right; behind a dot, on one part of its answers"
    meanings(console, {**_FACTS, "other columns": families_are})


def _table(title: str | None, columns: dict[str, list[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        words = name in ("path", "architecture", "tokenizer")
        table.add_column(name, justify="left" if words else "right", no_wrap=True)
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    return table
