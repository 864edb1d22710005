"""What is compiled at installation, where there is a compiler; pyproject.toml says all the rest."""

from Cython.Build import cythonize
from setuptools import Extension, setup

MODULES = ("arrays", "heads", "int_map", "nodes", "range_sums", "text_states")

setup(
    ext_modules=cythonize(
        [
            Extension(f"evoswarm.decoding.trees.{name}", [f"evoswarm/decoding/trees/{name}.py"], optional=True)
            for name in MODULES
        ],
        language_level=3,
        build_dir="build/cython",
        compiler_directives={
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "cdivision": True,
            "annotation_typing": False,
        },
    )
)
