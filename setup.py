"""What is compiled at installation, where there is a compiler; pyproject.toml says all the rest."""

from pathlib import Path
from typing import Any

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

COMPILED = Path("evoswarm/decoding/compiled")
MODULES = ("arrays", "heads", "int_map", "nodes", "philox", "range_sums", "text_states")  # they know each other's types


class AllOrNothing(build_ext):
    """Compiles all modules or leaves all as they are: some compiled beside others that are not cannot be imported."""

    def run(self) -> None:
        """Try; without a compiler the modules run as they are written."""
        try:
            super().run()
        except (BaseError, CCompilerError, OSError) as error:
            self.warn(f"not compiled, so decoding will take longer: {error}")
            for one in (path for path in COMPILED.iterdir() if path.suffix in (".so", ".pyd")):
                one.unlink()
            self.extensions: list[Any] = []


setup(
    cmdclass={"build_ext": AllOrNothing},
    ext_modules=cythonize(
        [Extension(f"evoswarm.decoding.compiled.{name}", [str(COMPILED / f"{name}.py")]) for name in MODULES],
        language_level=3,
        build_dir="build/cython",
        compiler_directives={
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "cdivision": True,
            "annotation_typing": False,
        },
    ),
)
