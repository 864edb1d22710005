"""Members on different devices forward at the same time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import torch

from evoswarm.decoding.reader import Chunk, Reader, SupportsDLPack
from evoswarm.decoding.request import Counters

AHEAD = 1  # batches a device may forward while one waits to be consumed: their logits take room on it

Result = TypeVar("Result")


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


_Said = tuple[int, Sequence[Chunk], SupportsDLPack] | BaseException | None  # a batch; what broke a device off; its end


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
        for number, batch, logits in _forward_all(readings, range(len(readings)), counters):
            results[number].append(readings[number].consume(batch, logits))
        return results
    crew = _Crew(readings, by_device)
    try:
        for number, batch, logits in crew.batches():
            results[number].append(readings[number].consume(batch, logits))
    finally:
        crew.dismiss(counters)
    return results


def _forward_all(
    readings: Sequence[Reading[Result]], numbers: Sequence[int], counters: Counters
) -> Iterator[tuple[int, Sequence[Chunk], SupportsDLPack]]:
    for number in numbers:
        if readings[number].chunks:
            for batch, logits in readings[number].reader.read(readings[number].chunks, counters):
                yield number, batch, logits


class _Crew(Generic[Result]):
    """A thread per device; each forwards and hands its batches over."""

    def __init__(self, readings: Sequence[Reading[Result]], by_device: dict[str, list[int]]) -> None:
        self._readings = readings
        self._said: queue.Queue[_Said] = queue.Queue()
        self._room = {device: threading.Semaphore(AHEAD) for device in by_device}
        self._dismissed = threading.Event()
        self._counted = [Counters() for _ in by_device]
        self._threads = [
            threading.Thread(target=self._work, args=(device, numbers, counted), daemon=True)
            for (device, numbers), counted in zip(by_device.items(), self._counted, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def batches(self) -> Iterator[tuple[int, Sequence[Chunk], SupportsDLPack]]:
        """All batches as they come."""
        running = len(self._threads)
        while running:
            said = self._said.get()
            if said is None:
                running -= 1
            elif isinstance(said, BaseException):
                raise said
            else:
                yield said
                self._room[self._readings[said[0]].reader.device].release()

    def _work(self, device: str, numbers: Sequence[int], counters: Counters) -> None:
        last: _Said = None
        try:
            if device.startswith("cuda"):
                torch.cuda.set_device(device)  # of this thread
            for said in _forward_all(self._readings, numbers, counters):
                self._said.put(said)
                self._room[device].acquire()
                if self._dismissed.is_set():
                    break
        except BaseException as error:  # raised again where the batches are consumed
            last = error
        self._said.put(last)

    def dismiss(self, counters: Counters) -> None:
        """Let no device begin another batch, wait until all have ended theirs, and add up what they have counted."""
        self._dismissed.set()
        for room in self._room.values():
            room.release()
        for thread in self._threads:
            thread.join()
        for counted in self._counted:
            for field in fields(Counters):
                setattr(counters, field.name, getattr(counters, field.name) + getattr(counted, field.name))
