"""A search for routes is a search like any other: its champion is certified and stands alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm import SearchResult, SearchSpace, search
from evoswarm.answering.answers import answer
from evoswarm.policies import PolicyDocument, Recipe, Route, load_document, load_policy
from evoswarm.policies.route import PromptCluster

Micro = Callable[..., SearchSpace]
ROUTES = ("genome.kind=route", "genome.routes=2", "splits={search: 12, selection: 16, test: 12}")


@pytest.fixture(scope="module")
def found(micro: Micro, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """Sums and words, of which either member knows one half."""
    space = micro(*ROUTES, "evolution={generations: 2, islands: 1, population: 6}")
    return search(space, runs=tmp_path_factory.mktemp("routes"))


def test_the_champion_is_a_route_and_its_certificate_says_what_it_does(found: SearchResult) -> None:
    assert isinstance(found.champion, Route)
    certificate = found.certificate
    assert certificate is not None
    assert certificate.subject.kind == "route"
    assert [rival.key for rival in certificate.rivals][:4] == ["R1", "R2", "R3", "R4"]
    said, other = ("ixing", "outing") if certificate.subject.mixes else ("outing", "ixing")
    assert said in certificate.verdict.sentence
    assert other not in certificate.verdict.sentence
    assert certificate.subject.mixes == any(len(policy.specs) > 1 for policy in found.champion.policies)
    assert any(note.startswith("A route has no ablations") for note in certificate.notes)
    assert {member.role for member in certificate.members} == {"voter"}
    assert load_policy(found.directory) == found.champion


def test_a_route_by_prompt_answers_questions_of_no_task(found: SearchResult, tmp_path: Path) -> None:
    """Unknown and empty questions go to the first policy; a file alone is enough."""
    assert isinstance(found.champion, Route)
    first, *others = (one for _, one in plain_mixes(found))
    sums, words = PromptCluster(ngrams={"+": 2}, policy=1), PromptCluster(ngrams={"rev": 1}, policy=0)
    route = Route(by="cluster", policies=(first, others[0]), clusters=(sums, words))
    again = load_policy(route.save(tmp_path / "route.json"))
    questions = ["12+34=", "rev tiger=", "\N{SNOWMAN}?"]
    routed = [one.text for one in answer(again, questions, max_bytes=8)]
    one, other = ([each.text for each in answer(policy, questions, max_bytes=8)] for policy in route.policies)
    assert routed == [other[0], one[1], one[2]]


def test_a_route_by_task_answers_raw_questions_as_if_their_tasks_were_named(
    found: SearchResult, tmp_path: Path
) -> None:
    """As the champion of a search for mixes may be: its file knows its tasks, and their prompts."""
    first, *others = (one for _, one in plain_mixes(found))
    known = load_document(found.directory).about
    assert known is not None
    sums, words = known.tasks
    clusters = (PromptCluster(ngrams={"+": 2}, policy=1), PromptCluster(ngrams={"rev": 1}, policy=0))
    route = Route(by="task", policies=(first, others[0]), tasks={sums: 1, words: 0}, clusters=clusters)
    file = tmp_path / "champion.json"
    file.write_text(PolicyDocument(route, known).to_json())
    asked = {"12+34=": sums, "rev tiger=": words}
    raw = [one.text for one in answer(file, list(asked))]
    assert raw == [answer(file, [question], task=task)[0].text for question, task in asked.items()]
    assert raw != [one.text for one in answer(first, list(asked), max_bytes=8)], "the second policy answers, too"


def plain_mixes(found: SearchResult) -> list[tuple[str, Recipe]]:
    """Every member alone, as the routes of the search have them."""
    routes = [(one.name, one.policy) for one in found.comparison if one.name.startswith("member ")]
    mixes = [(name, route.policies[0]) for name, route in routes if isinstance(route, Route)]
    return [(name, mix) for name, mix in mixes if isinstance(mix, Recipe)]
