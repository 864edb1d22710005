"""Writes a bundle: what is copied, what its policy says, and the card."""

from __future__ import annotations

from pathlib import Path

from evoswarm.durable import write_within
from evoswarm.experiment.files.places import PAGE
from evoswarm.experiment.wording import quantity
from evoswarm.export.bundle import CARD
from evoswarm.export.bundle.card import model_card
from evoswarm.export.bundle.copying import Copied, copy, to_copy
from evoswarm.export.place import require_room
from evoswarm.export.source import Source
from evoswarm.export.target import Options
from evoswarm.policies import About, PolicyDocument
from evoswarm.run_directory import CERTIFICATE, CHAMPION
from evoswarm.user_files import MIB, read_text

_SLACK = 8 * MIB  # for what is written beside the members' files


def written(source: Source, out: Path, options: Options) -> list[str]:
    """See `evoswarm.export.bundle.write_bundle`."""
    copied = to_copy(source.members)
    size = sum(one.size for one in copied)
    require_room(out, size + _SLACK)
    options.progress.enter("exporting", f"copying {quantity(size)}B of {_members(copied)} to {options.out}")
    copy(copied, out)
    policy = source.policy.bound({one.spec.name: one.spec for one in copied})
    document = PolicyDocument(policy, _about(source))
    write_within(out, CHAMPION, document.to_json())
    if source.certificate is not None:
        write_within(out, CERTIFICATE, source.certificate.to_json())
        page = source.file.parent / PAGE
        if page.is_file():
            write_within(out, PAGE, read_text(page, limit=MIB))
    write_within(out, CARD, str(model_card(source, document, copied)))
    return [
        f"{options.out}: {policy.kind} {policy.digest[:12]} with {_members(copied)}, {quantity(size)}B; it answers"
        " offline, and from wherever it is moved to",
        f'evoswarm generate {options.out} "a question"',
    ]


def _members(copied: list[Copied]) -> str:
    return f"{len(copied)} member{'s' * (len(copied) > 1)}"


def _about(source: Source) -> About | None:
    """What is known of the policy; with other members than those that were scored, no score is."""
    if source.about is None or not source.changed:
        return source.about
    why = f"its scores were those of other files of {' and '.join(source.changed)}"
    nothing = dict.fromkeys(("selection", "expected", "test", "verdict"))
    return source.about.model_copy(update=nothing).refused(why)
