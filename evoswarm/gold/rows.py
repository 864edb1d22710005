"""What all members of a pool say along texts of items, read once: what greedy mixes are scored and fitted on.

A mix's next-symbol distribution depends on its members' rows and on its own numbers alone, so with the rows along a
text in memory, every greedy mix of these members can be followed along it by a few tensor operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.decoder import Decoder
from evoswarm.decoding.request import Along, DoesNotFit, Request, RowsAlong
from evoswarm.decoding.waves import ViewKey
from evoswarm.errors import EvoswarmError, RecipeError
from evoswarm.fusion.context import inside
from evoswarm.fusion.speakers import argmax_and_margin
from evoswarm.gold.texts import Fate, GoldText
from evoswarm.policies import Recipe
from evoswarm.tasks.task import Item, Task

BUDGET_BYTES = 1 << 30
"""Of the rows of one split. A constant, not a share of what is free: whether there are rows changes what a search does,
and that must not depend on the machine. In bytes it holds some 1,000 items of 200 bytes for five members; over a
vocabulary of 128k symbols some 400 places of five members, so such searches mostly have none."""

TEXTS_AT_ONCE = 64
NUMBER_BYTES = 4  # of a log-probability
NUMBERS_AT_ONCE = 1 << 25  # read together, at most; a text is never cut

Between = Callable[[int, int], None]
"""Told before every batch which it is, from 1, and of how many; what it raises ends the reading."""


def nobody(number: int, count: int) -> None:
    """Nobody wants to be told."""


class RowsDoNotFit(EvoswarmError):
    """The rows would take more than the budget; says so in a sentence."""


@dataclass(frozen=True, eq=False)
class GoldRows:
    """Members' rows along texts of items, all texts end to end; a *position* is a place of a text.

    Attributes:
        view: alphabet, epsilon and tokenizers: recipes decoded on another view see other symbols.
        tokens: digests of what members' tokens spell, by name.
        prompt_format: how the questions were asked.
        tasks: by name.
        members: in the order of the pool.
        texts: the texts that were read; those of an item stand side by side.
        items: whose texts they are, each once.
        text: ``[positions]`` which text; ascending.
        item: ``[positions]`` which item; ascending.
        targets: ``[positions]`` the symbol that the text goes on with; END, or what completes a stop string, last.
        log_probs: ``[members, positions, symbols]`` float32, floored and untempered; -inf where forbidden. Symbols that
            are forbidden everywhere have no column, so that numbers of symbols are these rows' own; END is the last.
        present: ``[members, positions]`` the member has something to say.
        allowed: ``[positions, symbols]``.
        entropies: ``[members, positions]`` float64, nats, untempered; 0 where a member has nothing to say.
        spellings: by symbol its bytes; END has none.
        unread: items without rows, with the reason: nothing they can be followed along, or a member that fails.
    """

    view: ViewKey
    tokens: Mapping[str, str]
    prompt_format: str
    tasks: Mapping[str, Task]
    members: tuple[str, ...]
    texts: tuple[GoldText, ...]
    items: tuple[Item, ...]
    text: Tensor
    item: Tensor
    targets: Tensor
    log_probs: Tensor
    present: Tensor
    allowed: Tensor
    entropies: Tensor
    spellings: tuple[bytes, ...]
    unread: Mapping[Item, str]

    @property
    def end(self) -> int:
        """The number of END."""
        return len(self.spellings)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """``[texts]`` the first position of each."""
        starts: NDArray[np.int64] = np.searchsorted(self.text.numpy(), np.arange(len(self.texts)))
        return starts

    @cached_property
    def item_of_text(self) -> NDArray[np.int64]:
        """``[texts]`` whose text it is; ascending."""
        found: NDArray[np.int64] = self.item.numpy()[self.starts]
        return found

    @cached_property
    def length(self) -> NDArray[np.int32]:
        """``[positions]`` bytes of the text so far."""
        return np.array([len(raw) for raw in self._so_far], dtype=np.int32)

    @cached_property
    def inside(self) -> NDArray[np.int8]:
        """``[positions]`` whether the text so far ends within a word or a number, see `evoswarm.fusion.context`."""
        return np.array([inside(raw) for raw in self._so_far], dtype=np.int8)

    @cached_property
    def margins(self) -> NDArray[np.float32]:
        """``[members, positions]`` by how much a member's likeliest symbol is ahead of its second, nats."""
        found: NDArray[np.float32] = torch.stack([argmax_and_margin(one)[1] for one in self.log_probs]).numpy()
        return found

    @property
    def _so_far(self) -> Iterator[bytes]:
        """Per position the text before it."""
        text, raw = -1, b""
        for owner, target in zip(self.text.tolist(), self.targets.tolist(), strict=True):
            text, raw = owner, raw if owner == text else b""
            yield raw
            raw += b"" if target == self.end else self.spellings[target]

    @cached_property
    def fates(self) -> dict[tuple[int, int], Fate]:
        """What becomes of who leaves a text at a position by a symbol, as far as it has been asked."""
        return {}

    @cached_property
    def decidable(self) -> NDArray[np.bool_]:
        """``[items]`` whether leaving the texts decides, but for white space and other spellings."""
        found = np.ones(len(self.items), dtype=bool)
        np.logical_and.at(found, self.item_of_text, [text.decidable for text in self.texts])
        return found

    @property
    def bytes(self) -> int:
        """What they take."""
        kept = (self.log_probs, self.present, self.allowed, self.entropies)
        return sum(tensor.numel() * tensor.element_size() for tensor in kept)

    def check(self, recipe: Recipe) -> None:
        """Refuse a recipe that these rows do not tell about.

        Raises:
            RecipeError: it is no greedy mix of these members, is decoded on another view, or asks in another way.
        """
        if not is_greedy(recipe):
            what = "drawn answers" if recipe.draws else "a random gate"
            raise RecipeError(f"samples: expected a greedy mix (rows along texts tell of nothing drawn), got {what}")
        missing = [spec.name for spec in recipe.specs if spec.name not in self.members]
        if missing:
            raise RecipeError(f"members: expected members of the rows ({', '.join(self.members)}), got {missing[0]!r}")
        if recipe.prompt_format != self.prompt_format:
            raise RecipeError(f"prompt_format: expected {self.prompt_format!r} (as read), got {recipe.prompt_format!r}")
        view = ViewKey.of(recipe, self.tokens)
        if view != self.view:
            raise RecipeError(f"alphabet: expected the symbols of {self.view} (as read), got those of {view}")


def is_greedy(recipe: Recipe) -> bool:
    """Whether nothing in it is drawn, so that rows along texts tell what it writes."""
    return not recipe.draws and recipe.gate != "random"


def read_rows(
    decoder: Decoder,
    recipe: Recipe,
    texts: Iterable[GoldText],
    tasks: Mapping[str, Task],
    budget: int = BUDGET_BYTES,
    between: Between = nobody,
) -> GoldRows | None:
    """Read the members' rows along texts.

    Args:
        decoder: holds the pool.
        recipe: of all members whose rows are wanted, in the order of the pool; it says alphabet, epsilon and prompt.
        texts: in the order of their items.
        tasks: by name.
        budget: bytes that the rows may take.
        between: called before every batch.

    Returns:
        The rows; None where the decoder does not offer them, or no text can be read.

    Raises:
        RowsDoNotFit: they would take more than the budget.
        RecipeError: the recipe asks for what the pool does not have.
        DoesNotFit: there is no memory for a single text.
    """
    listed, members, symbols = list(texts), len(recipe.members), decoder.symbols(recipe).symbols + 1
    steps = decoder.steps_along(_requests(recipe, listed, tasks)) if listed else None
    _check_budget(bytes_of(sum(steps or ()), symbols, members), budget, len(listed), symbols)
    kept: list[tuple[GoldText, RowsAlong]] = []
    unread: dict[Item, str] = {}
    size, spellings = 0, tuple[bytes, ...]()
    batches = list(_batches(listed, members, symbols))
    for number, some in enumerate(batches, 1):
        between(number, len(batches))
        along = _along(decoder, recipe, some, tasks)
        if along is None:
            return None
        spellings = along.spellings
        for text, rows in zip(some, along.texts, strict=True):
            if rows is None:
                unread.setdefault(text.item, "its text cannot be spelled")
            elif rows.failure is not None:
                unread.setdefault(text.item, f"{rows.failure.member}: {rows.failure.message}")
            else:
                kept.append((text, rows))
                size += rows.log_probs.nbytes + rows.allowed.nbytes
        _check_budget(size, budget, len(kept), symbols)  # not every decoder says before how much it is
    kept = [one for one in kept if one[0].item not in unread]
    return _joined(decoder, recipe, kept, tasks, spellings, unread) if kept else None


def bytes_of(positions: int, symbols: int, members: int) -> int:
    """What rows of so many members take at most; END is one of the symbols."""
    return positions * symbols * (members * NUMBER_BYTES + 1)


def _check_budget(size: int, budget: int, texts: int, symbols: int) -> None:
    if size > budget:
        raise RowsDoNotFit(
            f"expected members' rows along the right answers in {budget / 2**20:,.0f} MiB, got {size / 2**20:,.0f} MiB "
            f"for {texts:,} texts ({symbols:,} symbols)"
        )


def _requests(recipe: Recipe, texts: Sequence[GoldText], tasks: Mapping[str, Task]) -> list[Request]:
    return [
        Request(
            recipe,
            text.item.prompt,
            text.item.key,
            max_bytes=tasks[text.item.task].max_bytes,
            stop=tasks[text.item.task].stop,
            forced=text.text,
        )
        for text in texts
    ]


def _along(decoder: Decoder, recipe: Recipe, texts: Sequence[GoldText], tasks: Mapping[str, Task]) -> Along | None:
    """Read; what does not fit into memory is halved until a single text does not."""
    try:
        return decoder.rows_along(_requests(recipe, texts, tasks))
    except DoesNotFit:
        if len(texts) == 1:
            raise
    middle = len(texts) // 2
    halves = [_along(decoder, recipe, half, tasks) for half in (texts[:middle], texts[middle:])]
    found = [half for half in halves if half is not None]
    return Along(found[0].spellings, found[0].texts + found[1].texts) if len(found) == len(halves) else None


def _batches(texts: Sequence[GoldText], members: int, symbols: int) -> Iterator[list[GoldText]]:
    """Texts that are read together; in the worst case a symbol is a byte."""
    batch: list[GoldText] = []
    numbers = 0
    for text in texts:
        need = (len(text.text.encode("utf-8", "surrogatepass")) + 1) * members * symbols
        if batch and (len(batch) == TEXTS_AT_ONCE or numbers + need > NUMBERS_AT_ONCE):
            yield batch
            batch, numbers = [], 0
        batch.append(text)
        numbers += need
    if batch:
        yield batch


def _joined(
    decoder: Decoder,
    recipe: Recipe,
    kept: list[tuple[GoldText, RowsAlong]],
    tasks: Mapping[str, Task],
    spellings: tuple[bytes, ...],
    unread: Mapping[Item, str],
) -> GoldRows:
    """All texts end to end; the list is emptied on the way, so that rows are not kept twice."""
    texts = tuple(text for text, _ in kept)
    items = tuple(dict.fromkeys(text.item for text in texts))
    number = {item: place for place, item in enumerate(items)}
    own = np.array([number[one.item] for one in texts])
    if (np.diff(own) < 0).any():
        raise ValueError("expected the texts of an item side by side, got another's between them")
    rows = [one for _, one in kept]
    kept.clear()
    text = np.repeat(np.arange(len(texts)), [len(one.symbols) for one in rows])
    columns = np.logical_or.reduce([one.allowed.any(0) for one in rows])
    symbols = np.cumsum(columns) - 1
    targets = np.concatenate([symbols[one.symbols] for one in rows])
    log_probs, present, allowed, entropies = _end_to_end(rows, len(targets), columns)
    tokens = {facts.spec.name: facts.tokens for facts in decoder.facts}
    return GoldRows(
        view=ViewKey.of(recipe, tokens),
        tokens=tokens,
        prompt_format=recipe.prompt_format,
        tasks=tasks,
        members=tuple(spec.name for spec in recipe.specs),
        texts=texts,
        items=items,
        text=torch.from_numpy(text),
        item=torch.from_numpy(own[text]),
        targets=torch.from_numpy(targets),
        log_probs=log_probs,
        present=present,
        allowed=allowed,
        entropies=entropies,
        spellings=tuple(one for one, stays in zip(spellings, columns[:-1], strict=True) if stays),
        unread=unread,
    )


def _end_to_end(
    rows: list[RowsAlong], positions: int, columns: NDArray[np.bool_]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Log-probabilities, who is present, what is allowed, entropies; each text is let go when it has been copied."""
    members, width = len(rows[0].log_probs), int(columns.sum())
    log_probs = np.empty((members, positions, width), dtype=np.float32)
    present = np.empty((members, positions), dtype=bool)
    allowed = np.empty((positions, width), dtype=bool)
    entropies = np.empty((members, positions))
    end = positions
    while rows:
        one = rows.pop()
        here = slice(end - len(one.symbols), end)
        for member in range(members):
            log_probs[member, here] = one.log_probs[member][:, columns]
        present[:, here], allowed[here], entropies[:, here] = one.present, one.allowed[:, columns], one.entropies
        end = here.start
    return (
        torch.from_numpy(log_probs),
        torch.from_numpy(present),
        torch.from_numpy(allowed),
        torch.from_numpy(entropies),
    )
