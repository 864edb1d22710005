"""The certificate as data: frozen, validated, with a JSON Schema. It holds no clock: the same run gives its bytes."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from evoswarm.certificate.compared import (
    Absent,
    CeilingResult,
    Compute,
    DetectableGain,
    DiagnosticResult,
    Failed,
    Interval,
    Part,
    RivalResult,
)
from evoswarm.certificate.verdict import DOING, Outcome

CERTIFICATE_VERSION: Literal[1] = 1


class TaskScore(Interval):
    """The champion on one task.

    Attributes:
        items: of the test split.
    """

    items: int


class Ablation(Part):
    """The champion without one of its members.

    Attributes:
        lead: who leads it.
        difference: champion less this, paired by item: what the member is worth.
    """

    lead: str
    difference: Interval


class MemberResult(Part):
    """One member of the champion.

    Attributes:
        name: in the pool.
        role: a lead speaks at every step, a follower where the gate is open for it; a voter answers on its own.
        share_of_steps: at which it spoke on the test items.
        really_speaks: at no fewer steps than 2%.
        compute: its part.
        without: what happens without it; None when it is the only member.
    """

    name: str
    role: Literal["lead", "follower", "voter"]
    share_of_steps: float
    really_speaks: bool
    compute: Compute
    without: Ablation | None


class Owner(Part):
    """How the owner of a member of the pool would run it, by its files.

    Attributes:
        member: its name in the pool.
        chat_template: it has one that could be tried.
        sampled: its answers are drawn; the next four say how, and mean nothing otherwise.
        temperature: divides its log-probabilities.
        top_k: 0 is all tokens.
        top_p: 1 is all.
        min_p: 0 is all.
        left_out: settings of its that are not obeyed here.
    """

    member: str
    chat_template: bool
    sampled: bool
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    left_out: tuple[str, ...] = ()


class OpenShare(Part):
    """How often followers speak, and what that costs.

    Attributes:
        steps: share of decoding steps.
        lead_tokens: share of the lead's tokens in which a follower spoke.
        flops: the followers' share of the champion's.
        passes: likewise.
        weight_reads: likewise.
    """

    steps: float
    lead_tokens: float
    flops: float
    passes: float
    weight_reads: float


class Gap(Part):
    """What the champion seemed to score before, less what it scores on test items: the winner's curse.

    Attributes:
        search: score on the search items; None where the champion as it is was not scored on them.
        selection: score on the selection items.
        search_less_test: the gap; None likewise.
        selection_less_test: the gap, with its 95% interval (two independent sets of items).
        expected: score on other items, by the search and the selection items; None where that was not estimated.
        together: the champion was chosen by what was expected of it, so by the search items too.
    """

    search: float | None
    selection: float
    search_less_test: float | None
    selection_less_test: Interval
    expected: float | None = None
    together: bool = False


class Opening(Part):
    """How the test items were opened.

    Attributes:
        forced: some of them had been opened for another recipe before.
        others_of_this_space: how many recipes of this space had opened any of them before.
        others: how many recipes of any space.
        opened_before: how many of the items these had opened.
        detectable_gain: the true gain over all rivals that is found with a probability of 80%, as stated before the
            items were opened; None where no gain is.
        statement: the same in words.
    """

    forced: bool
    others_of_this_space: int
    others: int
    opened_before: int = 0
    detectable_gain: float | None
    statement: str


class Conclusion(Part):
    """The verdict.

    Attributes:
        outcome: in two words.
        sentence: why.
        searching: the second sentence: did searching beat the uniform mix of the pool and the fitted mix?
        margin: the least gain that counts.
        speakers: how many different members of the champion really speak.
        beaten: keys of the rivals that were beaten.
        below_margin: the gain over some rival stays below the margin: its ``most`` does.
        items_needed: of an undecided verdict; None where none is foreseen or it is decided.
    """

    outcome: Outcome
    sentence: str
    searching: str
    margin: float
    speakers: int
    beaten: tuple[str, ...]
    below_margin: bool
    items_needed: int | None


class Subject(Part):
    """What is certified, by whom.

    Attributes:
        space: name of the search space.
        space_digest: SHA-256 of all it says.
        search_digest: SHA-256 of what makes a search the same one.
        seed: of the search.
        noise_seed: of the sampling noise.
        champion: digest of the policy.
        kind: of policy: ``mix``, ``vote``, ...
        mixes: it is a route, and at least two different members really speak within one mix that it chose.
        members: its members, in pool order.
        lead: the name of its lead; empty where nobody leads.
        words: the policy in words.
        evoswarm: version.
        decoding: version of the engine.
    """

    space: str
    space_digest: str
    search_digest: str
    seed: int
    noise_seed: int
    champion: str
    kind: str = "mix"
    mixes: bool = False
    members: tuple[str, ...]
    lead: str
    words: tuple[str, ...]
    evoswarm: str
    decoding: int

    @property
    def doing(self) -> str:
        """What its members do together, as a sentence begins."""
        return DOING["mix" if self.mixes else self.kind]


class Items(Part):
    """How many items each split had.

    Attributes:
        search: for fitness.
        selection: for choosing the champion and tuning the rivals.
        test: for this certificate.
    """

    search: int
    selection: int
    test: int


class Certificate(Part):
    """The held-out verdict of a search.

    Attributes:
        version: of this format.
        subject: what is certified.
        items: how many.
        opening: how the test items were opened, and what was stated before.
        verdict: what they say.
        score: the champion's.
        by_task: likewise, by task.
        compute: the champion's.
        compute_note: how gating saves compute, and how it does not.
        rivals: all must be beaten.
        absent: rivals that there are none of, and why; empty in certificates of earlier versions.
        diagnostics: what the champion's parts are good for.
        ceilings: what looks at the right answers.
        members: who really speaks, and what each is worth.
        owners: how those of the pool would be run alone; empty in certificates of earlier versions.
        open_share: how often followers speak, and its price.
        gap: between what was promised and what holds.
        recipes_tried: distinct recipes that the search scored.
        failures: test items on which the champion failed; they count 0.
        failed: the same by kind and member.
        at_limit: answers of the champion that were ended by their limit of bytes.
        cut_off: of these, those that had nothing yet that their scorer could read; they count 0.
        power: how large a gain such a test finds; None in certificates of earlier versions.
        notes: what else a reader must know.

    Example:
        >>> certificate.verdict.outcome in ("adds value", "no value", "undecided")
        True
        >>> [rival.key for rival in certificate.rivals]
        ['R1', 'R2', 'R3', 'R4', 'R6']
    """

    version: Literal[1] = CERTIFICATE_VERSION
    subject: Subject
    items: Items
    opening: Opening
    verdict: Conclusion
    score: Interval
    by_task: dict[str, TaskScore]
    compute: Compute
    compute_note: str
    rivals: tuple[RivalResult, ...] = Field(min_length=1)
    absent: tuple[Absent, ...] = ()
    diagnostics: tuple[DiagnosticResult, ...]
    ceilings: tuple[CeilingResult, ...]
    members: tuple[MemberResult, ...] = Field(min_length=1)
    owners: tuple[Owner, ...] = ()
    open_share: OpenShare
    gap: Gap
    recipes_tried: int
    failures: int
    failed: tuple[Failed, ...] = ()
    at_limit: int = 0
    cut_off: int = 0
    power: DetectableGain | None = None
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """As JSON text, the same bytes for the same certificate."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """Read a certificate.

        Raises:
            pydantic.ValidationError: the text is none.
        """
        return cls.model_validate_json(text)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the format."""
        return cls.model_json_schema()
