"""Finds the browser that tests open reports in, and installs one where it can.

    python -m tools.browser

``make test`` begins with it. It asks nothing, needs no more than the standard library, and ends well without a
browser, too: then it says why, in the sentence with which the tests that want one are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tools.cache import cache

BROWSER_VARIABLE = "EVOSWARM_BROWSER"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""On the PATH, the cheapest to start first."""
PACKAGES = ("chromium-headless-shell", "chromium")
"""Of Debian; the first is half as large as the second, and not everywhere."""
FONTS = "fonts-dejavu-core"


def find() -> Path | None:
    """A browser that runs: the one that ``$EVOSWARM_BROWSER`` names, one on the PATH, or one that Playwright fetched.

    Raises:
        SystemExit: the one that is named does not run.
    """
    given = os.environ.get(BROWSER_VARIABLE)
    if given:
        if not _runs(given):
            raise SystemExit(f"expected a browser as ${BROWSER_VARIABLE}, got {given!r}, which does not run")
        return Path(given)
    on_path = (shutil.which(name) for name in NAMES)
    return next((Path(one) for one in (*on_path, *_of_playwright()) if one and _runs(one)), None)


def why_none() -> str:
    """One sentence for where there is no browser: why not, as the last run of this tool found out, and what helps."""
    told = _told()
    why = told.read_text(encoding="utf-8") if told.is_file() else "`make browser` has not been run"
    wanted = f"{', '.join(NAMES)} on the PATH, or what ${BROWSER_VARIABLE} names"
    return f"expected a browser ({wanted}), got none: {why}; where you can install one, do, and run the tests again"


def install() -> str:
    """Install a browser by apt-get or by Playwright, whichever can.

    Returns:
        Why neither could; nothing where one of them did.
    """
    why = []
    for way in (_by_apt, _by_playwright):
        reason = way()
        if not reason:
            return ""
        why.append(reason)
    return ", and ".join(why)


def _runs(program: str | Path) -> bool:
    """Whether it says its version: some systems have a stand-in on the PATH that only says where the real one is."""
    return not _failure([str(program), "--version"], 30)


def _of_playwright() -> list[Path]:
    caches = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    root = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or caches / "ms-playwright")
    return sorted(root.glob("chromium_headless_shell-*/*/*headless?shell"), reverse=True)


def _by_apt() -> str:
    if shutil.which("apt-get") is None:
        return "there is no apt-get"
    if os.geteuid() != 0:
        return "apt-get installs for root only"
    patience = ["-o", "DPkg::Lock::Timeout=60", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]
    # Nothing of it has to outlive a loss of power.
    quick = ["-o", "Dpkg::Options::=--force-unsafe-io"]
    apt = ["apt-get", "-q", "-y", *patience]
    reason = _failure([*apt, "update"], 120)
    for package in () if reason else PACKAGES:
        wanted = ["install", "--no-install-recommends", package, FONTS]
        # What is slow or ends halfway is the download: that may be given up at any time, dpkg may not.
        reason = _failure([*apt, "--download-only", *wanted], 240) or _failure([*apt, *quick, *wanted], 600)
        if not reason and find() is None:
            reason = f"{package} does not run"
        if not reason:
            return ""
    return f"apt-get could not ({reason})"


def _by_playwright() -> str:
    if find_spec("playwright") is None:
        return "Playwright is not installed"
    reason = _failure([sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"], 240)
    if not reason and find() is None:
        reason = "what it fetched does not run"
    return reason and f"Playwright could not ({reason})"


def _failure(command: list[str], seconds: float) -> str:
    """Run a command; the line that says why it failed, nothing where it did not."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command, check=True, capture_output=True, env=environment, stdin=subprocess.DEVNULL, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return f"no end within {seconds:.0f} s"
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.startswith(("E:", "Error"))]
        return said[0] if said else f"exit status {error.returncode}"
    except OSError as error:
        return str(error)
    return ""


def _told() -> Path:
    return cache() / "no_browser.txt"


def main() -> None:
    """Say where the browser is, or why there is none."""
    reason = "" if find() is not None else install()
    if reason:
        _told().parent.mkdir(parents=True, exist_ok=True)
        _told().write_text(reason, encoding="utf-8")
        print(f"{why_none()}. Tests that open pages are skipped.")
    else:
        print(f"browser: {find()}")


if __name__ == "__main__":
    main()
