"""What ``evoswarm zoo list`` prints."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from evoswarm.errors import MemberError
from evoswarm.experiment.wording import quantity
from evoswarm.zoo import catalogue

_WIDTH = 160  # of the whole table; a narrower terminal wraps it, which is better than cutting figures


def print_zoo() -> None:
    """The built-in members with their cards' figures, a line each."""
    try:
        cards = {name: catalogue.card(name) for name in catalogue.names()}
    except OSError as error:
        raise MemberError(
            f"expected a card beside every built-in member, got: {error.strerror}: {error.filename}"
        ) from None
    families = list(dict.fromkeys(family for card in cards.values() for family in card["accuracy"]))
    table = Table(title="Accuracy per family on held-out items", title_justify="left")
    for column in ("path", "architecture", "tokenizer"):
        table.add_column(column, no_wrap=True)
    table.add_column("size", justify="right")
    for family in families:
        table.add_column(family.replace("_", " "), justify="right")
    for name, card in cards.items():
        scores = [f"{card['accuracy'][family]:.2f}" for family in families]
        table.add_row(f"zoo:{name}", card["model_type"], card["tokenizer"], quantity(card["parameters"]), *scores)
    console = Console()
    console.width = max(console.width, _WIDTH)
    console.print(table)
