"""From scores to a certificate, without any decoding: what must follow from what was seen."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from evoswarm.certificate.document import Certificate, Items, Opening, Subject
from evoswarm.certificate.evidence import Evidence, Speaker, certificate_of, interval
from evoswarm.certificate.page import page, summary
from evoswarm.certificate.seeds import JointOpening, SeedsCertificate, seeds_certificate_of
from evoswarm.certificate.seeds_page import seeds_page
from evoswarm.evaluation.candidate import Candidate, Scored
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.failures import FailedItems
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.statistics.intervals import AdjustedMean

ITEMS = 1000
TASKS = tuple(f"task{number % 4}" for number in range(ITEMS))


def scores(right: int) -> tuple[float, ...]:
    """So many items right, spread over the tasks."""
    return tuple(float(number < right) for number in range(ITEMS))


def cost(*names: str) -> Cost:
    """Each member costs the same."""
    return Cost(tuple(MemberCost(name, 10, 5, 5e6, 1e7, 4) for name in names))


RECIPE = Recipe(members=(RecipeMember(spec=MemberSpec(name="m", path="zoo:m")),), lead="m")


def scored(key: str, right: int, name: str = "somebody", spent: Cost | None = None, **fields: object) -> Scored:
    """Somebody who is right on so many items."""
    summary = Summary(
        **{  # type: ignore[arg-type]
            "accuracy": right / ITEMS,
            "by_task": {},
            "cost": spent or cost("m"),
            "open_share": 0.4,
            "touched_share": 0.5,
            "failure": None,
            "failed": (),
            "close": 0,
            "items": ITEMS,
            "scores": scores(right),
            **fields,
        }
    )
    return Scored(Candidate(name, RECIPE, key, f"{name}, chosen on selection"), summary)


def evidence() -> Evidence:
    """A champion of two members that beats everybody."""
    return Evidence(
        subject=Subject(
            space="a-space",
            space_digest="5" * 64,
            search_digest="6" * 64,
            seed=3,
            noise_seed=0,
            champion="c" * 64,
            members=("one", "two"),
            lead="one",
            words=("one leads.", "two speaks at every step."),
            evoswarm="0.1.0",
            decoding=1,
        ),
        items=Items(search=100, selection=40, test=ITEMS),
        opening=Opening(
            forced=False,
            others_of_this_space=0,
            others=0,
            detectable_gain=0.05,
            statement="With 1,000 items a true gain of 5 points over all four rivals is found 80% of the time.",
        ),
        margin=0.03,
        tasks=TASKS,
        weights=dict.fromkeys(TASKS, 1.0),
        champion=scored("champion", 900, "champion", cost("one", "two")),
        rivals=tuple(scored(f"R{number}", 700 + number) for number in range(1, 5)),
        diagnostics=(scored("always_fuse", 880, "always fuse"), scored("uniform_pool", 600, "uniform mix")),
        ceilings=(scored("oracle_router", 950, "oracle router (told the answers)"),),
        pool=3,
        is_uniform=False,
        speakers=(
            Speaker("one", "a", "lead", 1.0, scores(500), "two"),
            Speaker("two", "b", "follower", 0.4, scores(650), "one"),
        ),
        selection=(1.0,) * 38 + (0.0,) * 2,
        selection_tasks=TASKS[:40],
        search=0.97,
        recipes_tried=321,
    )


def test_it_says_by_which_items_the_champion_was_chosen() -> None:
    together = replace(evidence(), expected=0.93)
    thrifty = replace(together, thrifty=True)
    for given, wanted in ((evidence(), ""), (together, " together with the search items"), (thrifty, "")):
        certificate = certificate_of(given)
        assert f"chose its champion on 40 others{wanted}. Then" in " ".join(page(certificate).split())
        assert f"by which the champion was chosen{wanted}. In brackets" in " ".join(summary(certificate))


def test_what_follows_from_a_clear_win() -> None:
    certificate = certificate_of(evidence())
    jsonschema.validate(certificate.model_dump(mode="json"), Certificate.json_schema())
    assert certificate.verdict.outcome == "adds value"
    assert certificate.verdict.beaten == ("R1", "R2", "R3", "R4")
    assert certificate.verdict.searching.startswith("Searching beat the uniform mix of the pool: +30.0 points")
    assert certificate.score.mean == pytest.approx(0.9)
    assert [rival.difference.mean for rival in certificate.rivals] == pytest.approx([0.199, 0.198, 0.197, 0.196])
    assert all(rival.champion_ratio is not None and rival.champion_ratio.flops == 2.0 for rival in certificate.rivals)
    assert certificate.open_share.flops == pytest.approx(0.5)
    assert certificate.gap.selection_less_test.mean == pytest.approx(0.05)
    assert certificate.gap.search_less_test == pytest.approx(0.07)
    first, second = certificate.members
    assert (first.role, second.role) == ("lead", "follower")
    assert second.without is not None
    assert second.without.difference.mean == pytest.approx(0.25)
    assert all(rival.most > rival.difference.high for rival in certificate.rivals)  # at a quarter of the level
    ceiling = certificate.ceilings[0]
    assert ceiling.difference.mean < 0  # a ceiling that is not reached is no rival that was not beaten


def test_one_more_rival_must_be_beaten_too_and_lowers_the_level() -> None:
    four, fifth = evidence(), scored("R6", 899, "merged weights")
    five = certificate_of(replace(four, rivals=(*four.rivals, fifth)))
    assert five.verdict.outcome == "no value", "a model that costs half as much is as good"
    assert "its gain over R6 (merged weights)" in five.verdict.sentence
    assert "there being five rivals" in five.verdict.sentence
    alone = certificate_of(four)
    assert all(one.most < other.most for one, other in zip(alone.rivals, five.rivals, strict=False))


def test_who_is_absent_is_said_with_the_reason() -> None:
    certificate = certificate_of(
        replace(evidence(), absent={"R5": "There is no fitted mix.", "R6": "Nobody is alike."})
    )
    assert "R5: There is no fitted mix.\nR6: Nobody is alike." in page(certificate)
    assert Certificate.from_json(certificate.to_json()) == certificate


def test_the_fitted_mix_is_a_diagnostic_that_can_be_decoded_again() -> None:
    before = evidence()
    fitted = scored("R5", 899, "fitted mix")
    certificate = certificate_of(replace(before, diagnostics=(*before.diagnostics, fitted)))
    assert "; whether it beat the fitted mix (R5) is undecided" in certificate.verdict.searching
    assert [one.policy is not None for one in certificate.diagnostics] == [False, False, True]
    assert "R5 fitted mix" in page(certificate)
    assert certificate.verdict.outcome == "adds value", "it mixes distributions, too"


def test_certificates_of_before_are_read() -> None:
    content = json.loads(certificate_of(evidence()).to_json())
    del content["absent"]
    for one in content["diagnostics"]:
        del one["policy"]
    assert Certificate.from_json(json.dumps(content)).absent == ()


def test_copies_of_one_member_never_add_value() -> None:
    """Two names, one model: nothing is mixed, however far the champion is ahead."""
    seen = evidence()
    copies = tuple(replace(speaker, identity="the same", share_of_steps=1.0) for speaker in seen.speakers)
    certificate = certificate_of(replace(seen, speakers=copies))
    assert certificate.verdict.speakers == 1
    assert certificate.verdict.outcome != "adds value"


@pytest.mark.parametrize(("share", "outcome"), [(0.02, "adds value"), (0.0199, "undecided")])
def test_a_member_that_hardly_speaks_does_not_count(share: float, outcome: str) -> None:
    seen = evidence()
    quiet = (seen.speakers[0], replace(seen.speakers[1], share_of_steps=share))
    certificate = certificate_of(replace(seen, speakers=quiet))
    assert certificate.verdict.outcome == outcome
    assert certificate.members[1].really_speaks == (outcome == "adds value")


def test_a_champion_of_one_member_says_so() -> None:
    seen = evidence()
    alone = replace(
        seen,
        champion=scored("champion", 700),
        rivals=tuple(scored(f"R{number}", 700 - 10 * number) for number in range(4)),
        speakers=(Speaker("one", "a", "lead", 1.0),),
        pool=1,
    )
    certificate = certificate_of(alone)
    assert certificate.verdict.outcome == "no value"
    assert "nothing is mixed" in certificate.verdict.sentence
    assert "one member" in certificate.verdict.searching
    assert "it is the only member" in page(certificate)


def of_kind(kind: str, *, mixes: bool = False) -> Evidence:
    seen = evidence()
    return replace(seen, subject=seen.subject.model_copy(update={"kind": kind, "mixes": mixes}))


def test_a_route_to_mixes_is_said_to_mix() -> None:
    mixing, routing = (certificate_of(of_kind("route", mixes=mixes)) for mixes in (True, False))
    assert mixing.verdict.sentence.startswith("Mixing adds value")
    assert "Against four rivals that spend compute without mixing" in page(mixing)
    assert "VERDICT: mixing adds value" in page(mixing)
    assert routing.verdict.sentence.startswith("Routing adds value")
    assert "without routing" not in page(routing), "R4 is a router"
    assert "Against four rivals that may spend as much compute" in page(routing)
    assert Certificate.from_json(mixing.to_json()) == mixing


def test_the_word_over_seeds_is_that_of_all() -> None:
    def over(*seeds: Evidence) -> SeedsCertificate:
        opening = JointOpening(forced=False, others=0, opened_before=0, detectable_gain=None, statement="Nothing.")
        return seeds_certificate_of(seeds, [certificate_of(one) for one in seeds], ["one", "two"], opening)

    both = over(of_kind("route"), of_kind("mix"))
    assert both.doing == "Routing or mixing"
    assert "2 seeds: Routing or mixing adds value" in both.verdict.sentence
    assert "Against rivals that may spend as much compute, mean over seeds" in seeds_page(both)
    same = over(of_kind("route", mixes=True), of_kind("mix"))
    assert same.verdict.sentence.startswith("On average over 2 seeds: Mixing adds value")
    assert "Against rivals that spend compute without mixing, mean over seeds" in seeds_page(same)


def test_diagnostics_are_adjusted_for_their_number() -> None:
    plain, mix = certificate_of(evidence()).diagnostics
    assert plain.p_holm == pytest.approx(plain.p_value)  # the larger of two
    assert mix.p_holm == pytest.approx(2 * mix.p_value)


def test_the_page_fits_whatever_the_names() -> None:
    seen = evidence()
    long = "a-name-that-goes-on-and-on-" * 4
    lost = (FailedItems("prompt_too_long", long, 11), FailedItems("scorer_error", "", 1))
    subject = seen.subject.model_copy(update={"space": long, "members": (long, "two"), "lead": long, "words": (long,)})
    worded = replace(
        seen,
        subject=subject,
        opening=seen.opening.model_copy(update={"forced": True, "others_of_this_space": 2, "others": 3}),
        rivals=tuple(scored(rival.key, 700, long, failed=lost, at_limit=9, cut_off=4) for rival in seen.rivals),
        speakers=(replace(seen.speakers[0], name=long, led_by=long), seen.speakers[1]),
        champion=scored("champion", 900, long, cost(long, "two"), failed=lost, at_limit=9, cut_off=4),
        notes=(f"a note about {long}",),
    )
    certificate = certificate_of(worded)
    text = page(certificate)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "FORCED" in text
    assert "Of the answers of the champion, 12 failed and count as wrong" in text
    assert "3 other recipes" in " ".join(text.split())
    assert any("FORCED" in line for line in summary(certificate))
    assert len(summary(certificate)) <= 6


def test_reading_gives_back_what_was_written() -> None:
    certificate = certificate_of(evidence())
    assert Certificate.from_json(certificate.to_json()) == certificate


def test_a_rounded_zero_has_no_sign() -> None:
    rounded = interval(AdjustedMean(-1e-9, -1e-9, 1e-9, 10.0, -1.0, 1.0))
    assert "-0.0" not in rounded.model_dump_json()


def test_the_lead_need_not_come_first() -> None:
    seen = evidence()
    one, two = seen.speakers
    turned = replace(one, role="follower"), replace(two, role="lead")
    led = certificate_of(replace(seen, subject=seen.subject.model_copy(update={"lead": "two"}), speakers=turned))
    assert [member.role for member in led.members] == ["follower", "lead"]
    table = page(led).partition("Who really speaks")[2].splitlines()[6:8]
    assert [line.split("%")[0].split() for line in table] == [["two", "(lead)", "40"], ["one", "100"]]
