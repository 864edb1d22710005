"""Members on different devices forward at the same time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import torch

from evoswarm.decoding.reader import Chunk, Reader, SupportsDLPack
from evoswarm.decoding.request import Counters

AHEAD = 1  # batches a device may forward while one waits to be consumed: their logits take room on it

Result = TypeVar("Result")
Batch = tuple[int, Sequence[Chunk], SupportsDLPack]  # the number of its reading, chunks, logits


@dataclass(frozen=True)
class Reading(Generic[Result]):
    """What one member is to read.

    Attributes:
        reader: of the member.
        chunks: to read.
        consume: takes each batch with its ``[rows, columns]`` logits; always called in the caller's thread, so that it
            may change what other readings change too. It must not give back slots of chunks that are still to be read.
    """

    reader: Reader
    chunks: Sequence[Chunk]
    consume: Callable[[Sequence[Chunk], SupportsDLPack], Result]


def read_side_by_side(readings: Sequence[Reading[Result]], counters: Counters) -> list[list[Result]]:
    """Forward for several members: on one device one after the other, on several one thread for each.

    Args:
        readings: what the members read; two of one reader are on one device, so they take turns.
        counters: where the work is counted. ``forward_seconds`` add up over the devices, so that they may be more than
            the seconds that have passed.

    Returns:
        for every reading, in order, what ``consume`` gave for its batches, in order.

    Raises:
        BaseException: what a forward or ``consume`` raised, once all devices have ended their batch.
    """
    results: list[list[Result]] = [[] for _ in readings]
    by_device: dict[str, list[int]] = {}
    for number, reading in enumerate(readings):
        if reading.chunks:
            by_device.setdefault(reading.reader.device, []).append(number)
    if len(by_device) < 2:
        batches = _in_turn(readings, range(len(readings)), counters)
    else:
        batches = _at_once(readings, by_device, counters)
    with closing(batches):
        for number, chunks, logits in batches:
            results[number].append(readings[number].consume(chunks, logits))
    return results


def _in_turn(readings: Sequence[Reading[Result]], numbers: Sequence[int], counters: Counters) -> Generator[Batch]:
    for number in numbers:
        if readings[number].chunks:
            for chunks, logits in readings[number].reader.read(readings[number].chunks, counters):
                yield number, chunks, logits


def _at_once(
    readings: Sequence[Reading[Result]], by_device: dict[str, list[int]], counters: Counters
) -> Generator[Batch]:
    """The batches of several devices as they come, those of one device in order."""
    counted = {device: Counters() for device in by_device}
    streams = {device: _in_turn(readings, numbers, counted[device]) for device, numbers in by_device.items()}
    threads = {device: ThreadPoolExecutor(1, initializer=_use, initargs=(device,)) for device in by_device}
    waiting: dict[Future[Batch | None], str] = {}  # in the order of asking

    def ask(device: str) -> None:
        waiting[threads[device].submit(next, streams[device], None)] = device

    try:
        for device in [*by_device] * (1 + AHEAD):
            ask(device)
        while waiting:
            done = wait(waiting, return_when=FIRST_COMPLETED).done
            for future in [one for one in waiting if one in done]:
                device, batch = waiting.pop(future), future.result()
                if batch is not None:
                    yield batch
                    ask(device)
    finally:  # no device begins another batch, and all end theirs
        for future in waiting:
            future.cancel()
        for thread in threads.values():
            thread.shutdown()
        for stream in streams.values():
            stream.close()
        for own in counted.values():
            for field in fields(Counters):
                setattr(counters, field.name, getattr(counters, field.name) + getattr(own, field.name))


def _use(device: str) -> None:
    """Let this thread's work on a GPU be its own device's."""
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
