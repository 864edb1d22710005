"""A bundle: the policy with everything that answering needs, in one folder that works offline, anywhere."""

from __future__ import annotations

from pathlib import Path

from evoswarm.durable import write_file
from evoswarm.export.source import Source
from evoswarm.export.target import Options, Target
from evoswarm.run_directory import CERTIFICATE, CHAMPION


def write_bundle(source: Source, out: Path, options: Options) -> list[str]:
    """Write a bundle."""
    write_file(out / CHAMPION, source.document.to_json())
    if source.certificate is not None:
        write_file(out / CERTIFICATE, source.certificate.to_json())
    return [f"evoswarm generate {options.out} 'a question' answers with it"]


BUNDLE = Target(
    name="bundle",
    title="one folder with the policy, its members and its certificate, which answers offline, anywhere",
    takes="policy",
    command="evoswarm generate DIR",
    write=write_bundle,
    signs=(CHAMPION, "README.md"),
)
