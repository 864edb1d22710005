"""What the tools that make folders of real models and tokenizers share: their command line, and whole folders."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path


def main(description: str | None, known: Collection[str], make: Callable[[str], Path]) -> None:
    """Make the folders that the command line names, all of them if it names none.

    Args:
        description: of the tool, for ``--help``.
        known: names of the folders that there can be.
        make: makes a folder by its name where it is missing, and returns where it lies.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all of them by default")
    names = parser.parse_args().names or list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"expected one of {', '.join(known)}, got {unknown[0]!r}")
    for name in names:
        print(f"{name}: {make(name)}")


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill; it becomes the target at the end of the block, whole or not at all.

    Files beside the folder (``folder.parent``) are removed with it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        folder = Path(work) / target.name
        folder.mkdir()
        yield folder
        try:
            folder.rename(target)
        except OSError:  # another process was faster
            if not target.is_dir():
                raise


def write_json(folder: Path, name: str, content: object) -> None:
    """Write one file of a checkpoint or tokenizer folder."""
    (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
