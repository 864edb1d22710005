"""A GPU gives what the CPU gives, for vocabularies from 50,000 to 262,144; and what only a GPU has: bf16, little room.

Tolerances: in float32 both devices sum in other orders, so log-probabilities may differ by ``NEAR`` nats where they
matter; decisions closer than ``UNSURE`` may turn. In bfloat16 a logit has eight bits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
import torch

from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.request import Completion, DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.views import pool_view
from evoswarm.experiment.session import search
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from evoswarm.space import SearchSpace
from tests.decoding.lone_view import LoneView
from tests.gpu.wide import WIDE, wide_model

BATCH_TOKENS, LARGE_BATCH = 8192, 1 << 18
NEAR, UNSURE = 1e-3, 1e-2
HALF_ERROR = 0.15
PROMPTS = tuple(f"the {word} of number {number}" for number, word in enumerate(("cat", "dog", "sum", "capital") * 4))
TEXT = b" the end; 12 of them, \xc3\xa9\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The checkpoint folder of a wide model, stored in bfloat16."""

    @cache
    def make(name: str) -> Path:
        return wide_model(tmp_path_factory.mktemp("wide"), name, torch.bfloat16)

    return make


@pytest.fixture(scope="module")
def member(folder: Callable[[str], Path]) -> Callable[..., Member]:
    """Loads a wide model."""

    @cache
    def load(name: str, device: str, dtype: str = "float32") -> Member:
        spec = MemberSpec.model_validate({"name": name, "path": str(folder(name)), "device": device, "dtype": dtype})
        return load_member(spec, BATCH_TOKENS)

    return load


def mixture(members: Sequence[Member], **fields: object) -> Recipe:
    """All of them at every step."""
    parts = tuple(RecipeMember(spec=member.spec) for member in members)
    return Recipe.model_validate({"members": parts, "lead": members[0].spec.name, **fields})


def decoded(members: Sequence[Member], recipe: Recipe, prompts: Sequence[str] = PROMPTS, size: int = 12) -> list:
    """One answer to each prompt, in ``bytes`` of so many bytes, in ``tokens`` of so many tokens."""
    asked = [Request(recipe, prompt, prompt, max_bytes=40 * size, max_symbols=size) for prompt in prompts]
    return Swarm(members).decode(asked)


def assert_alike(ours: Sequence[Completion], theirs: Sequence[Completion]) -> None:
    """The same answers wherever no decision hangs on rounding, and that is most of them."""
    assert all(one.failure is None for one in (*ours, *theirs))
    sure = [(a, b) for a, b in zip(ours, theirs, strict=True) if min(a.margin, b.margin) > UNSURE]
    assert 2 * len(sure) >= len(ours)
    for one, other in sure:
        assert one.samples == other.samples
        assert one.use == other.use


@pytest.mark.parametrize("name", WIDE)
def test_distributions_are_those_of_the_cpu(member: Callable[..., Member], device: str, name: str) -> None:
    here, there = (LoneView(member(name, where), 0.0) for where in (device, "cpu"))
    for end in range(len(TEXT) + 1):
        one, other = here.log_probs(PROMPTS[0], TEXT[:end]), there.log_probs(PROMPTS[0], TEXT[:end])
        likely = other > -12
        assert likely.any()
        assert abs(one[likely] - other[likely]).max() < NEAR


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
@pytest.mark.parametrize("name", WIDE)
def test_one_member_answers_as_on_the_cpu(member: Callable[..., Member], device: str, name: str, alphabet: str) -> None:
    sides = [[member(name, where)] for where in (device, "cpu")]
    assert_alike(*(decoded(side, mixture(side, alphabet=alphabet)) for side in sides))


@pytest.mark.parametrize("rule", ["mixture", "product", "contrast"])
def test_mixtures_across_vocabularies_answer_as_on_the_cpu(
    member: Callable[..., Member], device: str, rule: str
) -> None:
    fusion = Fusion.model_validate({"rule": rule, "lambda": 0.5})
    sides = [[member(name, where) for name in WIDE] for where in (device, "cpu")]
    assert_alike(*(decoded(side, mixture(side, fusion=fusion)) for side in sides))
    sampled = {"samples": 3, "sampling_temperature": 0.7}
    assert_alike(*(decoded(side, mixture(side, fusion=fusion, **sampled), PROMPTS[:4]) for side in sides))


def test_requests_that_come_and_go_answer_as_on_the_cpu(
    member: Callable[..., Member], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One joins every turn, one leaves, and a long prompt is read in parts beside them."""
    monkeypatch.setattr(pool_view, "tokens_a_turn", lambda device: 96)
    names = list(WIDE)[:2]
    ours, theirs = ([member(name, where) for name in names] for where in (device, "cpu"))
    prompts = [" ".join(PROMPTS[:12]), *PROMPTS[:8]]
    asked = [Request(mixture(ours), prompt, prompt, max_bytes=12) for prompt in prompts]
    decoding = Swarm(ours).continuous()
    tickets: list[int] = []
    done: dict[int, Completion] = {}
    while len(tickets) < len(asked) or not decoding.idle:
        tickets += [decoding.join(one) for one in asked[len(tickets) :][:1]]
        if len(tickets) == 5:
            decoding.leave(tickets[3])
        done |= decoding.turn()
    left = [number for number, ticket in enumerate(tickets) if ticket in done]
    assert len(left) >= len(asked) - 1
    wanted = decoded(theirs, mixture(theirs), [prompts[number] for number in left])
    assert_alike([done[tickets[number]] for number in left], wanted)


def test_members_on_different_devices_mix(member: Callable[..., Member], device: str) -> None:
    names = list(WIDE)[:2]
    across = [member(names[0], device), member(names[1], "cpu")]
    at_home = [member(name, "cpu") for name in names]
    assert_alike(decoded(across, mixture(across)), decoded(at_home, mixture(at_home)))
    assert set(Swarm(across).device_kind.split("+")) == {device, "cpu"}


@pytest.mark.parametrize("name", WIDE)
def test_half_the_precision_stays_near(member: Callable[..., Member], device: str, name: str) -> None:
    half, full = member(name, device, "bfloat16"), member(name, device)
    assert half.reader.dtype == "bfloat16"
    assert 2 * half.reader.shape.parameter_bytes == full.reader.shape.parameter_bytes
    here, there = LoneView(half, 1e-3), LoneView(full, 1e-3)
    asked = [(PROMPTS[0], TEXT[:end]) for end in range(len(TEXT) + 1)]
    errors = [
        0.5 * float((here.probs(one) - there.probs(other)).abs().sum())
        for one, other in zip(here.read_all(asked), there.read_all(asked), strict=True)
    ]
    assert max(errors) < HALF_ERROR
    assert all(done.failure is None for done in decoded([half], mixture([half])))


def test_what_is_left_open_goes_to_the_gpu_in_its_own_dtype(folder: Callable[[str], Path], cuda: str) -> None:
    specs = [MemberSpec(name=name, path=str(folder(name))) for name in WIDE]
    swarm = Swarm.load(specs, batch_tokens=BATCH_TOKENS)
    assert swarm.device_kind == "cuda"
    assert set(swarm.dtypes.values()) == {"bfloat16"}
    assert all(one.reader.device.startswith("cuda") for one in swarm.members)
    held = sum(one.state_bytes + one.row_bytes for one in swarm.limits)
    assert held < torch.cuda.mem_get_info()[0]


@pytest.fixture
def little_room(cuda: str) -> Iterator[Callable[[int], None]]:
    """Leaves so many bytes of the GPU beside what is taken; the limit goes afterwards."""

    def leave(size: int) -> None:
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_reserved() + size) / total))

    yield leave
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def test_what_does_not_fit_is_halved_and_comes_out_the_same(
    folder: Callable[[str], Path], little_room: Callable[[int], None], cuda: str
) -> None:
    """Prompts of some two hundred tokens by the hundred: what one batch of all makes is more than is left."""
    spec = MemberSpec(name="llama", path=str(folder("llama-50k")), device=cuda, dtype="float32")
    prompts = [f"{number} " + "of the cat and the dog " * 16 for number in range(512)]
    answers, batches = [], []
    for room in (None, 256 << 20):
        one = load_member(spec, LARGE_BATCH)
        swarm = Swarm([one], state_memory_bytes=64 << 20, row_memory_bytes=32 << 20)
        recipe = mixture([one], alphabet="tokens")
        asked = [Request(recipe, prompt, prompt, max_bytes=100, max_symbols=4) for prompt in prompts]
        if room is not None:
            little_room(room)
        answers.append(swarm.decode(asked))
        batches.append(one.reader.batch_tokens)  # type: ignore[attr-defined]
        del one, swarm
    assert batches[0] == LARGE_BATCH
    assert batches[1] < LARGE_BATCH, "or there was room enough"
    assert_alike(*answers)


def test_what_never_fits_says_so_and_the_next_answer_is_right(
    folder: Callable[[str], Path], little_room: Callable[[int], None], cuda: str
) -> None:
    spec = MemberSpec(name="gemma", path=str(folder("gemma3-262k")), device=cuda, dtype="float32")
    one = load_member(spec, BATCH_TOKENS)
    little_room(0)
    with pytest.raises(DoesNotFit):
        decoded([one], mixture([one]), PROMPTS[:2])
    little_room(4 << 30)
    assert all(done.failure is None for done in decoded([one], mixture([one]), PROMPTS[:2]))


def test_a_search_runs_on_the_device_and_says_so(
    micro: Callable[..., SearchSpace], tmp_path: Path, device: str
) -> None:
    placed = [f"pool.{number}.device={device}" for number in range(2)]
    result = search(micro(*placed, "evolution.generations=2"), runs=tmp_path)
    assert result.certificate is not None
    assert result.certificate.failures == 0
    with closing(sqlite3.connect(result.ledger)) as ledger:
        contexts = [row[0] for row in ledger.execute("SELECT description FROM contexts")]
    assert contexts
    assert all(f'"{device}"' in context for context in contexts)
    again = search(micro(*placed, "evolution.generations=2"), runs=tmp_path, out=tmp_path / "again")
    assert again.champion.digest == result.champion.digest
