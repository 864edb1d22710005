"""Tokens per second on a GPU, against the floor that memory bandwidth sets. One command on a CUDA machine:

    python -m tests.benchmarks.gpu

Without one it says so and measures nothing. What is right on a GPU is checked by ``tests/gpu/`` (`make gpu` does both).

Random Llama-like members of 0.5 to 1.5 billion parameters in bfloat16, one and three of them, at 1, 16 and 256
streams in ``tokens``. The floor of a step reads every member's weights once and the keys and values of all streams
once, at the bandwidth with which this GPU really copies. Host time is everything outside forwards; it matters where
it is not small beside the forward of a step. In ``bytes``, small models with vocabularies from 50,000 to 262,144 tokens
follow real text, at 1 and 64 streams: what a byte costs beside the forwards grows with the vocabulary.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from evoswarm import MemberSpec, Recipe, Request, Swarm
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.decoding.member import Member, load_member
from evoswarm.policies.mix import RecipeMember
from tests.benchmarks.models import END, VOCABULARY, passages, tokenizer
from tests.decoding import tiny
from tests.gpu.wide import WIDE, wide_model

STREAMS = (1, 16, 256)
NEW_TOKENS = 64
PROMPT_BYTES = 200
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
class Row:
    """One setting.

    Attributes:
        members: how many speak at every step.
        streams: how many answers are decoded together.
        tokens_per_second: over all streams, prompts included in the time.
        floor_tokens_per_second: what the bandwidth would allow.
        share_of_floor: of it that is reached.
        host_us_per_token: host time per (stream, token, member).
        forward_us_per_token: time in forwards per (stream, token, member).
    """

    members: int
    streams: int
    tokens_per_second: float
    floor_tokens_per_second: float
    share_of_floor: float
    host_us_per_token: float
    forward_us_per_token: float


@dataclass(frozen=True)
class ByteRow:
    """One wide vocabulary in ``bytes``.

    Attributes:
        model: its name.
        vocabulary: tokens.
        streams: texts that are followed together.
        bytes_per_second: over all streams, prompts included in the time.
        host_us_per_byte: host time per (stream, byte).
        forward_us_per_byte: time in forwards per (stream, byte).
    """

    model: str
    vocabulary: int
    streams: int
    bytes_per_second: float
    host_us_per_byte: float
    forward_us_per_byte: float


def main() -> None:
    """Measure and print, or say that there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where the figures go, as JSON")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("skipped: expected a GPU that torch can use through CUDA (bandwidth is what is measured), got none")
        return
    silence_loading()
    bandwidth = copy_bandwidth()
    print(
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}: copies read and write {bandwidth / 1e9:.0f} GB/s"
    )
    print("members  streams  tokens/s  floor tokens/s  reached  host us/token  forward us/token")
    with tempfile.TemporaryDirectory() as directory:
        members = [_member(Path(directory), kind) for kind in MEMBERS]
    rows = []
    for count in (1, len(members)):
        _decode(members[:count], 1)  # kernels are chosen and compiled at the first forward
        for streams in STREAMS:
            rows.append(_row(members[:count], streams, bandwidth))
            print(_line(rows[-1]), flush=True)
    del members
    by_bytes = list(byte_rows("cuda"))
    if arguments.out is not None:
        record = {"gpu": torch.cuda.get_device_name(), "bytes_per_second": bandwidth, "rows": [asdict(r) for r in rows]}
        record["bytes"] = [asdict(row) for row in by_bytes]
        arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def copy_bandwidth(repetitions: int = 20) -> float:
    """Bytes read and written per second by large copies on the device."""
    source = torch.empty(COPIED_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    target.copy_(source)
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(repetitions):
        target.copy_(source)
    torch.cuda.synchronize()
    return 2 * COPIED_BYTES * repetitions / (time.perf_counter() - began)


def _member(directory: Path, kind: str) -> Member:
    """A random model in bfloat16, written and loaded as a user's own would be; greedily it never ends."""
    words = tokenizer("stdlib", tiny.GPT2_PATTERN, VOCABULARY)
    made = AutoConfig.for_model(
        kind, vocab_size=VOCABULARY, pad_token_id=0, bos_token_id=None, eos_token_id=END, **_SHARED, **MEMBERS[kind]
    )
    torch.manual_seed(len(kind))
    with torch.device("cuda"):
        model = AutoModelForCausalLM.from_config(made, dtype=torch.bfloat16).eval()
    with torch.no_grad():
        model.get_output_embeddings().weight[END] = 0.0
    path = tiny.save(directory / kind, model, words)
    return load_member(MemberSpec(name=kind, path=str(path), device="cuda", dtype="bfloat16"), BATCH_TOKENS)


def _decode(members: Sequence[Member], streams: int) -> tuple[Swarm, float, list[int]]:
    """Decode so many different prompts; returns the swarm, the seconds, and the prompts' lengths, tokens."""
    parts = tuple(RecipeMember(spec=member.spec) for member in members)
    recipe = Recipe.model_validate({"alphabet": "tokens", "members": parts, "lead": members[0].spec.name})
    texts = [prompt for prompt, _ in passages(streams, PROMPT_BYTES, 8)]
    asked = [Request(recipe, text, max_symbols=NEW_TOKENS, max_bytes=ENOUGH_BYTES) for text in texts]
    swarm = Swarm(members)
    torch.cuda.synchronize()
    began = time.perf_counter()
    done = swarm.decode(asked)
    torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    failed = [one.failure for one in done if one.failure is not None]
    if failed or any(one.steps != NEW_TOKENS for one in done):
        raise ValueError(f"expected {NEW_TOKENS} tokens of every stream, got {failed or [one.steps for one in done]}")
    return swarm, seconds, [len(members[0].render(text)) for text in texts]


def _row(members: Sequence[Member], streams: int, bandwidth: float) -> Row:
    swarm, seconds, prompts = _decode(members, streams)
    tokens = streams * NEW_TOKENS
    positions = sum(prompts) + streams * NEW_TOKENS / 2  # read at a step, on average
    read = sum(member.reader.shape.parameter_bytes + positions * _position_bytes(member) for member in members)
    step = read / bandwidth
    floor = streams / step
    forward = swarm.counters.forward_seconds
    return Row(
        members=len(members),
        streams=streams,
        tokens_per_second=tokens / seconds,
        floor_tokens_per_second=floor,
        share_of_floor=tokens / seconds / floor,
        host_us_per_token=1e6 * (seconds - forward) / (tokens * len(members)),
        forward_us_per_token=1e6 * forward / (tokens * len(members)),
    )


def _position_bytes(member: Member) -> int:
    """Keys and values of one position in bfloat16."""
    config = member.reader.model.config  # type: ignore[attr-defined]
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * 2 * config.num_hidden_layers * config.num_key_value_heads * size)


def byte_rows(device: str) -> Iterator[ByteRow]:
    """Wide vocabularies in ``bytes``, printed as they come."""
    print("model        tokens  streams   bytes/s  host us/byte  forward us/byte")
    with tempfile.TemporaryDirectory() as directory:
        for name, (_, vocabulary, _) in WIDE.items():
            path = wide_model(Path(directory), name, torch.bfloat16)
            spec = MemberSpec(name=name, path=str(path), device=device, dtype="bfloat16")
            member = load_member(spec, BATCH_TOKENS)
            _follow(member, 1)
            for streams in BYTE_STREAMS:
                swarm, seconds = _follow(member, streams)
                size, forward = streams * (TEXT_BYTES + 1), swarm.counters.forward_seconds  # END is a step too
                times = (1e6 * (seconds - forward) / size, 1e6 * forward / size)
                row = ByteRow(name, vocabulary, streams, size / seconds, *times)
                print(
                    f"{name:11s}  {vocabulary:6d}  {streams:7d}  {row.bytes_per_second:8.0f}"
                    f"  {row.host_us_per_byte:12.1f}  {row.forward_us_per_byte:15.1f}",
                    flush=True,
                )
                yield row


def _follow(member: Member, streams: int) -> tuple[Swarm, float]:
    """Follow so many different texts byte by byte; returns the swarm and the seconds."""
    recipe = Recipe(members=(RecipeMember(spec=member.spec),), lead=member.spec.name)
    asked = [
        Request(recipe, prompt, max_bytes=TEXT_BYTES + 1, forced=text)
        for prompt, text in passages(streams, PROMPT_BYTES, TEXT_BYTES)
    ]
    swarm = Swarm([member])
    began = time.perf_counter()
    done = swarm.decode(asked)
    seconds = time.perf_counter() - began
    failed = [one.failure for one in done if one.failure is not None]
    if failed:
        raise ValueError(f"expected that {member.spec.name} follows every text, got {failed[0]}")
    return swarm, seconds


def _line(row: Row) -> str:
    return (
        f"{row.members:7d}  {row.streams:7d}  {row.tokens_per_second:8.0f}  {row.floor_tokens_per_second:14.0f}"
        f"  {row.share_of_floor:7.1%}  {row.host_us_per_token:13.1f}  {row.forward_us_per_token:16.1f}"
    )


if __name__ == "__main__":
    main()
