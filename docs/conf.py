"""How Sphinx builds these pages: ``make docs``, and a test builds them in which every warning is an error."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))  # for ``generated``
sys.path.insert(0, str(Path(__file__).parents[1]))  # the package beside these pages wins over an installed one

import generated

from evoswarm import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "evoswarm"
author = "evoswarm maintainers"
copyright = "evoswarm maintainers. Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"evoswarm {version}"
html_copy_source = False

myst_heading_anchors = 4  # headings can be linked to as on a code host: #what-the-verdict-means
myst_enable_extensions = ["dollarmath"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 100
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes are described where they are listed, once

nitpick_ignore_regex = [("py:.*", r".*")]  # what a name in ``code`` means is checked by tests/docs/test_names.py


def setup(app: Sphinx) -> None:
    """Fill in what is generated."""
    app.connect("source-read", generated.fill_in)
