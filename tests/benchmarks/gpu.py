"""Symbols per second on a GPU, against the floor that memory bandwidth sets. One command on a CUDA machine:

    python -m tests.benchmarks.gpu --out gpu.json

Without one it says so and measures nothing. What is right on a GPU is checked by ``tests/gpu/`` (`make gpu` does both).

Random members of 0.5 to 1.5 billion parameters in bfloat16, one and three of them, at 1, 16 and 256 streams: in
``tokens`` with one tokenizer of 150,000, and in ``common`` with two such tokenizers in turn, along texts. The floor of
a step reads every member's weights once and the keys and values of all streams once, at the bandwidth with which this
GPU really copies. Host time is everything outside forwards; it matters where it is not small beside the forward of a
step. In ``bytes``, small models with vocabularies from 50,000 to 262,144 tokens follow real text, at 1 and 64 streams:
what a byte costs beside the forwards grows with the vocabulary.

It takes eight minutes at most (``--minutes``): what would take longer than is left is left out, and said. ``--out``
writes the figures as JSON, and beside it as a table in Markdown. ``--quick`` runs every part small, on a CPU where
there is no GPU: its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from evoswarm import MemberSpec, Recipe, Request, Swarm
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.member.loading import torch_member
from evoswarm.decoding.request import Completion
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import RecipeMember
from tests.benchmarks.figures import Options
from tests.benchmarks.models import END, passages, tokenizer
from tests.decoding import tiny
from tests.gpu.wide import WIDE, wide_model

MINUTES = 8.0
GROWTH = 4.0
"""How many times as long as the part before it a part is expected to take, at most: it has 16 times as many streams."""
VOCABULARY, TEXT_FOR_WORDS = 150_000, 32_000_000
STREAMS = (1, 16, 256)
NEW_TOKENS = 64
PROMPT_BYTES = 200
COMMON_BYTES = 256
"""Of a text that is followed in ``common``: about as many symbols as tokens are written in ``tokens``."""
BATCH_TOKENS = 65_536
ENOUGH_BYTES = 1 << 20
BYTE_STREAMS, TEXT_BYTES = (1, 64), 64
COPIED_BYTES = 2 << 30
_SHARED: dict[str, Any] = {"max_position_embeddings": 2048, "tie_word_embeddings": True}
MEMBERS: dict[str, dict[str, Any]] = {
    "llama": {
        "hidden_size": 1280,
        "num_hidden_layers": 24,
        "num_attention_heads": 20,
        "num_key_value_heads": 4,
        "intermediate_size": 3456,
    },
    "qwen3": {
        "hidden_size": 1536,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "intermediate_size": 4608,
        "head_dim": 128,
    },
    "mistral": {
        "hidden_size": 2048,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "intermediate_size": 6144,
        "head_dim": 128,
        "sliding_window": None,
    },
}


@dataclass(frozen=True)
class Device:
    """Where it is measured, and how large everything is.

    Attributes:
        kind: as torch calls it.
        options: whether all is small.
        bandwidth: bytes read and written per second by large copies.
    """

    kind: str
    options: Options
    bandwidth: float = 0.0

    @classmethod
    def found(cls, *, quick: bool) -> Device:
        """The GPU; a CPU will do where all is small.

        Raises:
            SystemExit: there is none; says so, and is no failure.
        """
        if not torch.cuda.is_available() and not quick:
            print("skipped: expected a GPU that torch can use through CUDA (bandwidth is what is measured), got none")
            raise SystemExit(0)
        found = cls("cuda" if torch.cuda.is_available() else "cpu", Options(quick=quick))
        return replace(found, bandwidth=found.copy_bandwidth())

    @property
    def name(self) -> str:
        """For people."""
        return torch.cuda.get_device_name() if self.kind == "cuda" else "a CPU"

    @property
    def dtype(self) -> torch.dtype:
        """Of the members."""
        return torch.bfloat16 if self.kind == "cuda" else torch.float32

    def wait(self) -> None:
        """Until it has done all that it was told."""
        if self.kind == "cuda":
            torch.cuda.synchronize()

    def seconds(self, run: Callable[[], object]) -> float:
        """Wall time of a run, what it left the device to do included."""
        self.wait()
        began = time.perf_counter()
        run()
        self.wait()
        return time.perf_counter() - began

    def copy_bandwidth(self, repetitions: int = 20) -> float:
        """Bytes read and written per second by large copies."""
        source = torch.empty(self.options.size(COPIED_BYTES, 1 << 24), dtype=torch.uint8, device=self.kind)
        target = torch.empty_like(source)
        target.copy_(source)
        taken = self.seconds(lambda: [target.copy_(source) for _ in range(repetitions)])
        return 2 * source.numel() * repetitions / taken


@dataclass
class Budget:
    """Of time: what would not end within it is left out.

    Attributes:
        seconds: in all, from when this was made.
        left_out: what was, in words.
    """

    seconds: float
    left_out: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def taken(self) -> float:
        """Seconds until now."""
        return time.monotonic() - self.began

    def allows(self, what: str, expected: float) -> bool:
        """Whether something that is expected to take so many seconds may begin; notes what may not."""
        if self.taken + expected <= self.seconds:
            return True
        self.left_out.append(what)
        print(
            f"left out: {what} ({self.seconds - self.taken:.0f} s are left, about {expected:.0f} s needed)", flush=True
        )
        return False


@dataclass(frozen=True)
class Row:
    """One setting.

    Attributes:
        alphabet: whose symbols are counted.
        members: how many speak at every step.
        streams: how many answers are decoded together.
        symbols_per_second: over all streams, prompts included in the time.
        floor_per_second: what the bandwidth would allow.
        share_of_floor: of it that is reached.
        host_us: host time per (stream, symbol, member).
        forward_us: time in forwards per (stream, symbol, member).
        rows_per_symbol: tokens that a member read for a symbol, prompts left out.
    """

    alphabet: AlphabetName
    members: int
    streams: int
    symbols_per_second: float
    floor_per_second: float
    share_of_floor: float
    host_us: float
    forward_us: float
    rows_per_symbol: float


@dataclass(frozen=True)
class ByteRow:
    """One wide vocabulary in ``bytes``.

    Attributes:
        model: its name.
        vocabulary: tokens.
        streams: texts that are followed together.
        bytes_per_second: over all streams, prompts included in the time.
        host_us: host time per (stream, byte).
        forward_us: time in forwards per (stream, byte).
    """

    model: str
    vocabulary: int
    streams: int
    bytes_per_second: float
    host_us: float
    forward_us: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, or say that there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where the figures go, as JSON; a table goes beside it, as .md")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long it may take in all")
    parser.add_argument("--quick", action="store_true", help="everything small, on a CPU if need be")
    given = parser.parse_args(arguments)
    silence_loading()
    budget, device = Budget(60 * given.minutes), Device.found(quick=given.quick)
    print(f"{device.name}, torch {torch.__version__}: copies read and write {device.bandwidth / 1e9:.0f} GB/s")
    rows, by_bytes = list(mixed_rows(device, budget)), list(byte_rows(device, budget))
    if given.out is not None:
        told = {
            "gpu": device.name,
            "date": date.today().isoformat(),
            "torch": torch.__version__,
            "bytes_per_second": device.bandwidth,
            "seconds": round(budget.taken),
            "left_out": budget.left_out,
            "rows": [asdict(row) for row in rows],
            "bytes": [asdict(row) for row in by_bytes],
        }
        given.out.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        given.out.with_suffix(".md").write_text(page(device, budget, rows, by_bytes), encoding="utf-8")


def mixed_rows(device: Device, budget: Budget) -> Iterator[Row]:
    """One member and all, in ``tokens`` and in ``common``, by streams; printed as they come."""
    print("alphabet  members  streams  symbols/s  floor/s  reached  host us  forward us  rows/symbol")
    taken = 0.0
    for alphabet, pool, count in _settings(*members(device)):
        for streams in _streams(device):
            what = f"{alphabet}, {count} {'member' if count == 1 else 'members'}, {streams} streams"
            if not budget.allows(what, GROWTH * taken):
                continue
            began = time.monotonic()
            if streams == 1:
                _decode(pool[:count], alphabet, 1, device)  # kernels are chosen and compiled at the first forward
            row = _row(pool[:count], alphabet, streams, device)
            taken = time.monotonic() - began
            print(
                f"{row.alphabet:8s}  {row.members:7d}  {row.streams:7d}  {row.symbols_per_second:9.0f}"
                f"  {row.floor_per_second:7.0f}  {row.share_of_floor:7.1%}  {row.host_us:7.1f}"
                f"  {row.forward_us:10.1f}  {row.rows_per_symbol:11.2f}",
                flush=True,
            )
            yield row
        taken /= GROWTH  # the next begins with one stream again


def _settings(alike: list[Member], in_turn: list[Member]) -> Iterator[tuple[AlphabetName, list[Member], int]]:
    """The alphabet, its pool, and how many of it speak; those first that are asked for first."""
    for count in (1, len(alike)):
        yield "tokens", alike, count
        yield "common", in_turn, count


def _streams(device: Device) -> Sequence[int]:
    return (1, 2) if device.options.quick else STREAMS


def members(device: Device) -> tuple[list[Member], list[Member]]:
    """Random models with one tokenizer, and the same models with two tokenizers in turn; greedily they never end."""
    size, text = device.options.size(VOCABULARY, 2000), device.options.size(TEXT_FOR_WORDS, 1_000_000)
    words = [tokenizer("purelib", pattern, size, text) for pattern in (tiny.GPT2_PATTERN, tiny.LLAMA3_PATTERN)]
    spoken = [PreTrainedTokenizerFast(tokenizer_object=one, eos_token="<eos>", pad_token="<pad>") for one in words]
    models = [_model(kind, size, device) for kind in MEMBERS]
    alike = [_member(kind, model, spoken[0], 0, device) for kind, model in zip(MEMBERS, models, strict=True)]
    others = [_member(kind, model, spoken[1], 1, device) for kind, model in zip(MEMBERS, models, strict=True)]
    return alike, [(alike, others)[place % 2][place] for place in range(len(alike))]


def _model(kind: str, columns: int, device: Device) -> Any:
    config = {**(tiny.SMALL if device.options.quick else MEMBERS[kind]), **_SHARED}
    made = AutoConfig.for_model(kind, vocab_size=columns, pad_token_id=0, bos_token_id=None, eos_token_id=END, **config)
    torch.manual_seed(len(kind))
    with torch.device(device.kind):
        model = AutoModelForCausalLM.from_config(made, dtype=device.dtype).eval().requires_grad_(False)
    model.get_output_embeddings().weight[END] = 0.0
    return model


def _member(kind: str, model: Any, spoken: Any, words: int, device: Device) -> Member:
    """A model that is on the device already: writing and reading gigabytes is not what is measured."""
    name = f"{kind}-{words}"
    spec = MemberSpec.model_validate(
        {"name": name, "path": name, "device": device.kind, "dtype": str(device.dtype).removeprefix("torch.")}
    )
    return torch_member(spec.model_copy(update={"fingerprint": name}), model, spoken, None, BATCH_TOKENS)


def _decode(pool: Sequence[Member], alphabet: str, streams: int, device: Device) -> tuple[Swarm, list[Completion], int]:
    """Decode so many different prompts; returns the swarm, the answers, and how many tokens the prompts have."""
    parts = tuple(RecipeMember(spec=member.spec) for member in pool)
    recipe = Recipe.model_validate({"alphabet": alphabet, "members": parts, "lead": pool[0].spec.name})
    texts = list(passages(streams, PROMPT_BYTES, device.options.size(COMMON_BYTES, 24)))
    new = device.options.size(NEW_TOKENS, 8)
    if alphabet == "tokens":
        asked = [Request(recipe, prompt, max_symbols=new, max_bytes=ENOUGH_BYTES) for prompt, _ in texts]
    else:  # what random members would write has few symbols in common
        asked = [Request(recipe, prompt, max_bytes=len(text) + 1, forced=text) for prompt, text in texts]
    swarm = Swarm(pool)
    done = swarm.decode(asked)
    failed = [one.failure for one in done if one.failure is not None]
    if failed or (alphabet == "tokens" and any(one.steps != new for one in done)):
        raise ValueError(f"expected {new} symbols of every stream, got {failed or [one.steps for one in done]}")
    return swarm, done, sum(len(pool[0].render(prompt)) for prompt, _ in texts)


def _row(pool: Sequence[Member], alphabet: AlphabetName, streams: int, device: Device) -> Row:
    found: list[tuple[Swarm, list[Completion], int]] = []
    seconds = device.seconds(lambda: found.append(_decode(pool, alphabet, streams, device)))
    swarm, done, prompts = found[0]
    symbols = sum(one.steps for one in done)
    counters = swarm.counters
    rows = counters.rows_forwarded - counters.prompt_tokens
    positions = prompts + rows / len(pool) / 2  # read at a step, on average
    read = sum(member.reader.shape.parameter_bytes + positions * _position_bytes(member, device) for member in pool)
    floor = streams / (read / device.bandwidth)
    share = symbols * len(pool)
    return Row(
        alphabet=alphabet,
        members=len(pool),
        streams=streams,
        symbols_per_second=symbols / seconds,
        floor_per_second=floor,
        share_of_floor=symbols / seconds / floor,
        host_us=1e6 * (seconds - counters.forward_seconds) / share,
        forward_us=1e6 * counters.forward_seconds / share,
        rows_per_symbol=rows / share,
    )


def _position_bytes(member: Member, device: Device) -> int:
    """Keys and values of one position."""
    config = member.reader.model.config  # type: ignore[attr-defined]
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * device.dtype.itemsize * config.num_hidden_layers * config.num_key_value_heads * size)


def byte_rows(device: Device, budget: Budget) -> Iterator[ByteRow]:
    """Wide vocabularies in ``bytes``, printed as they come."""
    print("model        tokens  streams   bytes/s  host us/byte  forward us/byte")
    taken = 0.0
    for name, (_, vocabulary, _) in list(WIDE.items())[: 1 if device.options.quick else None]:
        if not budget.allows(f"bytes, {name}", taken):
            continue
        began = time.monotonic()
        member = _wide_member(name, device)
        _follow(member, 1, device)
        for streams in _streams(device)[:2] if device.options.quick else BYTE_STREAMS:
            swarm, seconds, size = _follow(member, streams, device)
            forward = swarm.counters.forward_seconds
            times = (1e6 * (seconds - forward) / size, 1e6 * forward / size)
            row = ByteRow(name, vocabulary, streams, size / seconds, *times)
            print(
                f"{name:11s}  {vocabulary:6d}  {streams:7d}  {row.bytes_per_second:8.0f}"
                f"  {row.host_us:12.1f}  {row.forward_us:15.1f}",
                flush=True,
            )
            yield row
        taken = time.monotonic() - began


def _wide_member(name: str, device: Device) -> Member:
    """Written and loaded as a user's own would be."""
    with tempfile.TemporaryDirectory() as directory:
        path = wide_model(Path(directory), name, device.dtype)
        kept = {"device": device.kind, "dtype": str(device.dtype).removeprefix("torch.")}
        return load_member(MemberSpec.model_validate({"name": name, "path": str(path), **kept}), BATCH_TOKENS)


def _follow(member: Member, streams: int, device: Device) -> tuple[Swarm, float, int]:
    """Follow so many different texts byte by byte; returns the swarm, the seconds and the steps, END being one."""
    recipe = Recipe(members=(RecipeMember(spec=member.spec),), lead=member.spec.name)
    asked = [
        Request(recipe, prompt, max_bytes=len(text) + 1, forced=text)
        for prompt, text in passages(streams, PROMPT_BYTES, device.options.size(TEXT_BYTES, 8))
    ]
    swarm, done = Swarm([member]), list[Completion]()
    seconds = device.seconds(lambda: done.extend(swarm.decode(asked)))
    failed = [one.failure for one in done if one.failure is not None]
    if failed:
        raise ValueError(f"expected that {member.spec.name} follows every text, got {failed[0]}")
    return swarm, seconds, sum(one.steps for one in done)


def page(device: Device, budget: Budget, rows: Sequence[Row], by_bytes: Sequence[ByteRow]) -> str:
    """The figures in Markdown, as documentation would show them."""
    dtype = str(device.dtype).removeprefix("torch.")
    lines = [
        f"**{device.name}**, {date.today().isoformat()}, torch {torch.__version__}, {dtype}: copies read and write"
        f" {device.bandwidth / 1e9:,.0f} GB/s (`python -m tests.benchmarks.gpu`, {budget.taken:.0f} s). Times are in"
        " microseconds per stream, symbol and member.",
        "",
        "| alphabet | members | streams | symbols/s | floor, the same | reached | host | forward | rows per symbol |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| `{row.alphabet}` | {row.members} | {row.streams} | {row.symbols_per_second:,.0f} |"
            f" {row.floor_per_second:,.0f} | {row.share_of_floor:.1%} | {row.host_us:.1f} | {row.forward_us:.1f} |"
            f" {row.rows_per_symbol:.2f} |"
            for row in rows
        ),
        "",
        "| in `bytes` | tokens | streams | bytes/s | host | forward |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {row.model} | {row.vocabulary:,} | {row.streams} | {row.bytes_per_second:,.0f} | {row.host_us:.1f} |"
            f" {row.forward_us:.1f} |"
            for row in by_bytes
        ),
        "",
        f"Left out, for want of time: {'; '.join(budget.left_out) or 'nothing'}.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
