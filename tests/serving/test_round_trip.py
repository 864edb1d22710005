"""What the official client is told is what evoswarm says: whole, in pieces, alone and in a crowd."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from evoswarm.answering.question import Reply
from tests.serving.conftest import Running

Replies = dict[str, list[Reply]]


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def streamed(stream: Any) -> dict[int, str]:
    """The texts of a stream, by their choices; each ends once."""
    texts: dict[int, str] = {}
    ended: list[int] = []
    for chunk in stream:
        for choice in chunk.choices:
            piece = choice.text if hasattr(choice, "text") else choice.delta.content
            texts[choice.index] = texts.get(choice.index, "") + (piece or "")
            ended += [choice.index] if choice.finish_reason else []
    assert sorted(ended) == sorted(texts)
    return texts


@pytest.mark.parametrize("name", ["mix", "vote", "route"])
def test_a_crowd_of_clients_hears_what_evoswarm_says(
    served: Running, replies: Replies, questions: list[str], name: str
) -> None:
    """64 at a time, each by a connection of its own: nothing is lost, and nobody hears another's answer."""

    async def ask() -> list[str]:
        gate = asyncio.Semaphore(64)
        async with openai.AsyncOpenAI(base_url=served.base_url, api_key="none", max_retries=0) as client:

            async def one(question: str) -> str:
                async with gate:
                    reply = await client.chat.completions.create(model=name, messages=user(question))
                    return str(reply.choices[0].message.content)

            return await asyncio.gather(*map(one, questions))

    assert asyncio.run(ask()) == [one.text for one in replies[name]]


def test_many_prompts_of_one_request_and_their_cost(served: Running, replies: Replies, questions: list[str]) -> None:
    reply = served.client.completions.create(model="mix", prompt=questions[:60])
    expected = replies["mix"][:60]
    assert [choice.text for choice in reply.choices] == [one.text for one in expected]
    assert [choice.index for choice in reply.choices] == list(range(60))
    cost = reply.usage.cost
    for number in ("tokens", "passes", "flops"):
        assert cost[number] == pytest.approx(sum(getattr(one.cost, number) for one in expected))
        for name, member in cost["members"].items():
            own = [getattr(part, number) for one in expected for part in one.cost.members if part.name == name]
            assert member[number] == pytest.approx(sum(own))


@pytest.mark.parametrize("name", ["mix", "vote", "route", "chat"])
def test_a_stream_adds_up_to_the_answer(served: Running, replies: Replies, questions: list[str], name: str) -> None:
    client, expected = served.client, replies[name]
    for place in range(0, 100, 25):
        events = client.chat.completions.create(model=name, messages=user(questions[place]), stream=True)
        assert streamed(events) == {0: expected[place].text}
    several = client.completions.create(model=name, prompt=questions[:8], stream=True)
    assert streamed(several) == {place: one.text for place, one in enumerate(expected[:8])}


def test_a_stream_says_what_it_cost_where_it_is_asked(served: Running, questions: list[str]) -> None:
    options: Any = {"include_usage": True}
    whole = served.client.chat.completions.create(model="mix", messages=user(questions[0]))
    *pieces, last = served.client.chat.completions.create(
        model="mix", messages=user(questions[0]), stream=True, stream_options=options
    )
    assert last.choices == []
    assert last.usage == whole.usage
    assert all(piece.usage is None for piece in pieces)
    assert pieces[0].choices[0].delta.role == "assistant"


def test_members_alone_stand_beside_their_policies(served: Running, replies: Replies, questions: list[str]) -> None:
    client = served.client
    names = [model.id for model in client.models.list()]
    assert names[:3] == ["mix", "mix/llama-a", "mix/gpt2-c"]
    assert {"vote", "vote/gpt2-c", "route", "route/llama-a", "chat"} <= set(names)
    assert client.models.retrieve("mix/gpt2-c").model_extra["description"].startswith("gpt2-c alone.")  # type: ignore[index]
    assert "Alphabet common" in client.models.retrieve("mix").model_extra["description"]  # type: ignore[index]
    reply = client.completions.create(model="mix/gpt2-c", prompt=questions[:60])
    texts = [one.text for one in replies["mix/gpt2-c"][:60]]
    assert [choice.text for choice in reply.choices] == texts != [one.text for one in replies["mix"][:60]]


def test_noise_by_choice_and_seed(served: Running) -> None:
    def drawn(**fields: Any) -> list[str]:
        reply = served.client.chat.completions.create(
            model="mix", messages=user("rev plan="), temperature=2, max_tokens=6, **fields
        )
        return [str(choice.message.content) for choice in reply.choices]

    first = drawn(n=8, seed=3)
    assert first == drawn(n=8, seed=3)
    assert first[:1] == drawn(seed=3)
    assert len(set(first)) > 4
    assert first != drawn(n=8, seed=4)
    greedy = served.client.chat.completions.create(model="mix", messages=user("rev plan="), temperature=0, n=2)
    plain = served.client.chat.completions.create(model="mix", messages=user("rev plan="))
    assert {choice.message.content for choice in greedy.choices} == {plain.choices[0].message.content}


def test_where_answers_end(served: Running) -> None:
    def asked(**fields: Any) -> tuple[str, str, int]:
        reply = served.client.completions.create(model="mix", prompt="rev stone=", **fields)
        return reply.choices[0].text, reply.choices[0].finish_reason, reply.usage.completion_tokens

    text, why, _ = asked()
    assert (text, why) == ("enots", "stop")
    assert asked(stop="o")[:2] == ("en", "stop")
    assert asked(stop=["x", "t"])[:2] == ("eno", "stop")
    cut, why, symbols = asked(max_tokens=2)
    assert (why, symbols) == ("length", 2)
    assert text.startswith(cut)
    assert 2 <= len(cut) < len(text)
    assert asked(max_tokens=2, echo=True)[0] == f"rev stone={cut}"


def test_logprobs_in_both_forms(served: Running) -> None:
    reply = served.client.chat.completions.create(
        model="mix", messages=user("rev stone="), logprobs=True, top_logprobs=3
    )
    content = reply.choices[0].logprobs.content
    assert b"".join(bytes(one.bytes or []) for one in content).decode() == reply.choices[0].message.content == "enots"
    for one in content:
        assert len(one.top_logprobs) == 3
        assert one.logprob == pytest.approx(max(other.logprob for other in one.top_logprobs), abs=1e-5)
        assert one.logprob < 0
        assert one.token in [other.token for other in one.top_logprobs]
    older = served.client.completions.create(model="mix", prompt="rev stone=", logprobs=2).choices[0].logprobs
    assert older is not None
    assert older.tokens == [one.token for one in content]
    assert older.token_logprobs == pytest.approx([one.logprob for one in content], abs=1e-5)
    tokens = older.tokens or []
    assert older.text_offset == [len("".join(tokens[:place])) for place in range(len(tokens))]
    assert [len(tops) for tops in older.top_logprobs or []] == [2] * len(tokens)
    stream = served.client.chat.completions.create(
        model="mix", messages=user("rev stone="), logprobs=True, top_logprobs=3, stream=True
    )
    last = [chunk.choices[0] for chunk in stream][-1]
    assert last.logprobs is not None
    assert [one.token for one in last.logprobs.content or []] == tokens
    refused = served.post("chat/completions", model="vote", messages=user("x"), logprobs=True)
    assert refused.status_code == 400
    assert "mix" in refused.json()["error"]["message"]


def test_a_conversation_goes_through_the_members_own_template(served: Running) -> None:
    from transformers import AutoTokenizer

    from evoswarm.zoo.catalogue import member_path

    messages = [
        {"role": "system", "content": "Short."},
        {"role": "user", "content": "1+2="},
        {"role": "assistant", "content": "3"},
        {"role": "user", "content": [{"type": "text", "text": "47+"}, {"type": "text", "text": "85="}]},
    ]
    reply = served.client.chat.completions.create(model="chat", messages=messages)  # type: ignore[arg-type]
    plain: Any = [*messages[:3], {"role": "user", "content": "47+85="}]
    tokenizer = AutoTokenizer.from_pretrained(member_path("qwen3-d"))
    rendered = tokenizer.apply_chat_template(plain, tokenize=True, add_generation_prompt=True, return_dict=False)
    assert reply.usage.prompt_tokens == len(rendered)
    refused = served.post("chat/completions", model="mix", messages=plain)
    assert refused.status_code == 400
    assert "template" in refused.json()["error"]["message"]
    assert any(name in refused.json()["error"]["message"] for name in ("llama-a", "gpt2-c"))
