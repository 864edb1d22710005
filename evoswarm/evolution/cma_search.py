"""What CMA-ES over numbers, integers and categories shares for one objective and for two: the box as the package sees
it, where it begins, and what it is told.

CatCMA with margin (Hamano et al. 2025) keeps a normal distribution over numbers and integers and a categorical one over
each category, all of which it moves towards what did well.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy
from cmaes import CatCMAwM
from numpy.typing import NDArray

from evoswarm.evolution.coordinates import Choice, Coordinates, Point, boxed
from evoswarm.evolution.genetic import Draft
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.island import Island, IslandSetup
from evoswarm.evolution.randomness import generator

G = TypeVar("G")
Array = NDArray[numpy.float64]

LEAST_POPULATION = 4  # half of it are parents
_LEAST_SOURCES = 10  # that it begins from
_SHARE = 0.1  # of the sources, the best, which it begins around
_SPREAD = 0.1  # standard deviation that it begins with beside theirs: of a range
_UNIFORM = 0.5  # share of a category's distribution that is uniform at the beginning
_DIGITS = 9  # of a drawn place: how a machine sums does not matter then


class MixedBox(Generic[G]):
    """Points as the package has them: numbers, then integers, then categories one-hot.

    Ordered choices of more than two (numbers of samples) are integers, the places of the choices in their order; two
    choices, or choices without an order, are a category, as the package's authors recommend.

    Args:
        coordinates: of the genomes.
    """

    def __init__(self, coordinates: Coordinates[G]) -> None:
        self.coordinates = coordinates
        self._numbers = [one.name for one in coordinates.dimensions if not one.choices]
        self._integers = {
            one.name: sorted(map(int, one.choices)) for one in coordinates.dimensions if _ordered(one.choices)
        }
        self._categories = {
            one.name: one.choices for one in coordinates.dimensions if one.choices and one.name not in self._integers
        }
        self.widest = max((len(choices) for choices in self._categories.values()), default=0)
        spans = [1.0] * len(self._numbers) + [float(len(choices) - 1) for choices in self._integers.values()]
        self.spans: Array = numpy.array(spans)

    @property
    def spaces(self) -> dict[str, Any]:
        """Arguments of the package's optimisers; what there is nothing of is left out."""
        spaces = {
            "x_space": [[0.0, 1.0] for _ in self._numbers],
            "z_space": [list(range(len(choices))) for choices in self._integers.values()],
            "c_space": [len(choices) for choices in self._categories.values()],
        }
        return {name: space for name, space in spaces.items() if space}

    def numbers(self, point: Point) -> Array:
        """Numbers and integers of a point, unrounded `[dimensions]`."""
        places = [float(point[name]) for name in self._numbers]
        places += [float(choices.index(int(point[name]))) for name, choices in self._integers.items()]
        return numpy.array(places)

    def categories(self, point: Point) -> NDArray[numpy.bool_]:
        """The categories of a point, one-hot `[categories, widest]`."""
        rows = [choices.index(point[name]) for name, choices in self._categories.items()]
        return numpy.eye(self.widest, dtype=bool)[rows]

    def genome(self, solution: Any) -> G:
        """The genome of a solution of the package."""
        point: dict[str, Choice | float] = {}
        if self._numbers:
            point |= {n: round(float(x), _DIGITS) for n, x in zip(self._numbers, solution.x, strict=True)}
        if self._integers:
            for (name, choices), place in zip(self._integers.items(), solution.z, strict=True):
                point[name] = choices[int(place)]
        if self._categories:
            for (name, others), row in zip(self._categories.items(), solution.c, strict=True):
                point[name] = others[int(row.argmax())]
        return self.coordinates.decode(point)


class Kernel(CatCMAwM):  # type: ignore[misc]  # the package is loosely typed
    """CatCMA with margin over a `MixedBox` that is told ranks.

    The package divides by the spread of the values it is told, which is zero where many recipes are equally right, so
    it is told ranks, which is all that it goes by otherwise. Equals rank in the order in which they were drawn: that is
    chance. Where all are equal there is nothing to learn.

    Args:
        box: of the genomes.
        around: what it begins around: a normal distribution of their mean and covariance, widened (Nomura et al. 2021),
            and their categories, half of it uniform.
        population: solutions that it is told at once.
        seed: of its draws.
    """

    def __init__(self, box: MixedBox[Any], around: Sequence[Point], population: int, seed: int) -> None:
        given: dict[str, Any] = {}
        if box.spans.size:
            places = numpy.stack([box.numbers(point) / box.spans for point in around])
            off = places - places.mean(axis=0)
            spread = _SPREAD**2 * numpy.eye(box.spans.size) + off.T @ off / len(around)
            given |= {
                "mean": places.mean(axis=0) * box.spans,
                "sigma": 1.0,
                "cov": spread * box.spans[:, None] * box.spans,
            }
        if box.widest:
            seen = numpy.stack([box.categories(point) for point in around]).mean(axis=0)
            sizes = numpy.array(box.spaces["c_space"])[:, None]
            uniform = (numpy.arange(box.widest) < sizes) / sizes
            given["cat_param"] = _UNIFORM * uniform + (1 - _UNIFORM) * seen
        super().__init__(**box.spaces, **given, population_size=population, seed=seed)

    def tell(self, solutions: list[tuple[CatCMAwM.Solution, float]]) -> None:
        """Solutions with values, the smallest the best."""
        values = numpy.array([float(value) for _, value in solutions])
        if values.min() < values.max():
            order = numpy.argsort(values, kind="stable")
            super().tell([(solutions[place][0], float(rank)) for rank, place in enumerate(order)])

    def injected(self, numbers: Array) -> Array:
        """Where an external solution is told to lie: no farther from the mean than draws do (Hansen 2011)."""
        if not numbers.size:
            return numbers
        spread, size = self._sigma * self._A, numbers.size
        step = (numbers - self._mean) / spread
        axes, scales = self._eigen_decomposition()
        length = float(numpy.linalg.norm((axes.T @ step) / scales))
        farthest = size**0.5 + 2 * size / (size + 2)
        return numpy.asarray(self._mean + spread * step * min(1.0, farthest / max(length, 1e-300)))


class CmaSearch(Island[G]):
    """Random until there are enough successes to begin around the best of; a subclass says how it goes on.

    Args:
        place: where it lies; it needs coordinates.
    """

    name: ClassVar[str]

    def __init__(self, place: IslandSetup[G]) -> None:
        super().__init__(place)
        self._box = MixedBox(boxed(place.coordinates))
        self._sources: list[Individual[G]] = []
        self._began = False
        self._lives = 0

    def tell(self, generation: int, finished: Sequence[Individual[G]]) -> None:
        """Learn, and begin as soon as there are enough successes."""
        super().tell(generation, finished)
        if self._began:
            self._learn(finished)
            return
        self._sources = self.ranking.best_first([*self._sources, *(one for one in finished if one.succeeded)])
        if len(self._sources) >= _LEAST_SOURCES:
            self._began = True
            seed = generator(self._place.seed, self._place.index, self._lives, self.name).getrandbits(32)
            self._begin(self._sources, seed)

    def settle(self, population: Sequence[Individual[G]], arrivals: Sequence[Individual[G]]) -> None:
        """Immigrants are among what it begins from, or are injected into what it is told next."""
        super().settle(population, arrivals)
        if self._began:
            self._inject(arrivals)
        else:
            self._sources += arrivals

    def restart(self, generation: int) -> None:
        """Begin anew around the best and what comes next."""
        super().restart(generation)
        self._sources, self._began = list(self.population), False
        self._lives += 1

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        return self._sampled(generation, count) if self._began else self._random(generation, count)

    def _point(self, individual: Individual[G]) -> Point:
        return self._box.coordinates.encode(individual.genome)

    def _best(self, sources: Sequence[Individual[G]]) -> list[Point]:
        """Those of the sources that the search begins around."""
        return [self._point(one) for one in sources[: max(1, int(_SHARE * len(sources)))]]

    @abstractmethod
    def _begin(self, sources: Sequence[Individual[G]], seed: int) -> None:
        """Make the distribution, out of successes, best first."""

    @abstractmethod
    def _sampled(self, generation: int, count: int) -> list[Draft[G]]:
        """Draws from it."""

    @abstractmethod
    def _learn(self, finished: Sequence[Individual[G]]) -> None:
        """Move it towards what did well of a generation; not all of that need be its own draws."""

    @abstractmethod
    def _inject(self, arrivals: Sequence[Individual[G]]) -> None:
        """Learn from others' successes with the next generation."""


def _ordered(choices: Sequence[Choice]) -> bool:
    return len(choices) > 2 and all(isinstance(one, int) and not isinstance(one, bool) for one in choices)
