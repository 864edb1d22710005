"""A particle swarm, as Model Swarms has it, over the coordinates of genomes.

(A *swarm* is the loaded pool elsewhere in evoswarm; here it is a set of particles.)
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Generic, NamedTuple, TypeVar

from evoswarm.evolution.coordinates import Choice, Point, boxed
from evoswarm.evolution.genetic import Draft
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.island import Island, IslandSetup
from evoswarm.evolution.randomness import generator

G = TypeVar("G")

Numbers = dict[str, float]

INERTIA, OWN, GLOBAL, WORST = 0.2, 0.3, 0.4, 0.05
"""phi_v, phi_p, phi_g and phi_w: the middle of the ranges that Model Swarms searches."""
STEP, DECAY, LEAST_STEP = 1.0, 0.95, 0.1
PATIENCE = 10  # generations without a better global best
OWN_PATIENCE = 0.67 * PATIENCE  # of a particle, without a better personal one


class Pulls(NamedTuple):
    """How strongly a particle goes on, to its own best, to the best of all, and away from the worst of all."""

    inertia: float
    own: float
    best: float
    worst: float

    @classmethod
    def drawn(cls, rng: Random) -> Pulls:
        """Each constant times a uniform number from 0 to 1."""
        return cls(*(constant * rng.random() for constant in (INERTIA, OWN, GLOBAL, WORST)))


def velocity(now: Numbers, place: Numbers, own: Numbers, best: Numbers, worst: Numbers, pulls: Pulls) -> Numbers:
    """The next velocity: the mean of four directions, weighted by the pulls (Feng et al. 2024, Model Swarms).

    Args:
        now: the velocity, per coordinate.
        place: of the particle.
        own: its personal best place.
        best: the best place of all.
        worst: the worst place of all.
        pulls: weights; their sum divides.
    """
    total = sum(pulls)
    return {
        name: (
            pulls.inertia * now[name]
            + pulls.own * (own[name] - x)
            + pulls.best * (best[name] - x)
            + pulls.worst * (x - worst[name])
        )
        / total
        for name, x in place.items()
    }


def category(
    now: Choice | float,
    own: Choice | float,
    best: Choice | float,
    worst: Choice | float,
    choices: Sequence[Choice],
    pulls: Pulls,
    rng: Random,
) -> Choice | float:
    """The next value of a category, by the same weights as chances: its own, or that of its personal best, or of the
    best of all, or any but that of the worst of all."""
    (pull,) = rng.choices(Pulls._fields, weights=pulls)
    if pull == "worst" and now == worst:
        return rng.choice([choice for choice in choices if choice != now])
    return {"inertia": now, "own": own, "best": best, "worst": now}[pull]


@dataclass
class Particle(Generic[G]):
    """One particle.

    Attributes:
        point: where it is.
        speed: its velocity over the continuous coordinates.
        best: the best individual that it has been; None before its first success.
        best_point: where that was.
        stale: generations since that got better.
    """

    point: dict[str, Choice | float]
    speed: Numbers
    best: Individual[G] | None = None
    best_point: dict[str, Choice | float] = field(default_factory=dict)
    stale: int = 0

    def home(self) -> None:
        """Begin anew at the personal best, at rest."""
        self.point = dict(self.best_point)
        self.speed = dict.fromkeys(self.speed, 0.0)
        self.stale = 0


class ParticleSearch(Island[G]):
    """Particles that fly towards their own best and the best of all, and away from the worst of all.

    One objective (or weighted ones). A particle per individual of the population, which is their personal bests.

    - *Numbers* fly by `velocity`, x <- x + step v, the step shrinking from 1 by 5% a generation to 0.1 at least. The
      box is a wall: who hits it stops there in that coordinate.
    - *Categories* have no directions, so the same weights are chances: with the chance of the step a category is that
      which a draw by the pulls gives, the particle's own, its personal best's, the best of all's, or, for the worst,
      any but the worst of all's. That is the expected place of a one-hot vector under the formula, without inertia.
    - A particle whose personal best has not got better for 0.67 x 10 generations begins anew there, at rest. When the
      best of all has not for 10 (Model Swarms ends there; a search has a budget to spend), all others are drawn anew.
    - A *failure* is neither a best nor a worst: the particle turns back to its personal best, at rest; who has none is
      drawn anew.
    - An *immigrant* is a particle at rest, in place of whoever made room for it: the one with the worst personal best,
      where ``migration.replace`` says ``worst``.

    Args:
        place: where it lies; it needs coordinates.

    Attributes:
        step: what the next velocities are multiplied by.
    """

    name = "particles"

    def __init__(self, place: IslandSetup[G]) -> None:
        super().__init__(place)
        self._coordinates = boxed(place.coordinates)
        self._numbers = [one.name for one in self._coordinates.dimensions if not one.choices]
        self._choices = {one.name: one.choices for one in self._coordinates.dimensions if one.choices}
        self._particles: list[Particle[G]] = []
        self._worst: tuple[float, Point] | None = None
        self.step = STEP
        self._peak: float | None = None
        self._unchanged = 0

    @property
    def particles(self) -> tuple[Particle[G], ...]:
        """Where everybody is."""
        return tuple(self._particles)

    def ask(self, generation: int, given: Sequence[Draft[G]]) -> list[Draft[G]]:
        """What is given, and what is random, is where the first particles are put; the others move."""
        drafts = super().ask(generation, given)
        points = [self._coordinates.encode(draft.genome) for draft in drafts]
        if not self._particles:
            self._particles = [Particle(point, {}) for point in points]
        put = len(drafts) if generation == 0 else len(given)
        rng = generator(self._place.seed, self._place.index, generation, "places")
        for particle, point in zip(self._particles[:put], points[:put], strict=True):
            self._put(particle, point, rng)
        return drafts

    def tell(self, generation: int, finished: Sequence[Individual[G]]) -> None:
        """Personal bests, the best and the worst of all; whose patience has ended begins anew."""
        for particle, individual in zip(self._particles, finished, strict=True):
            self._judge(particle, individual)
        lead = self._lead
        worth = None if lead is None or lead.best is None else self.ranking.worth(lead.best)
        better = worth is not None and (self._peak is None or worth > self._peak)
        self._unchanged = 0 if better else self._unchanged + 1
        self._peak = worth if better else self._peak
        if self._unchanged >= PATIENCE:
            self._scatter()
        self._live()

    def settle(self, population: Sequence[Individual[G]], arrivals: Sequence[Individual[G]]) -> None:
        """Who left has no personal best any more; immigrants take the places of such particles first."""
        staying = {individual.id for individual in population}
        gone = {individual.key for individual in self.population if individual.id not in staying}
        for particle in self._particles:
            if particle.best is not None and particle.best.key in gone:
                particle.best = None
        for one in arrivals:
            lost = min(self._particles, key=lambda particle: self._hold(particle, staying))
            lost.best, lost.best_point = one, self._coordinates.encode(one.genome)
            lost.home()
        self._live()

    def reevaluate(self, known: Mapping[str, Individual[G]]) -> None:
        """Personal bests have other outcomes; who failed now has none."""
        by_key = {known[one.id].key: known[one.id] for one in self.population if one.id in known}
        for particle in self._particles:
            if particle.best is not None and particle.best.key in by_key:
                again = by_key[particle.best.key]
                particle.best = replace(particle.best, objectives=again.objectives) if again.succeeded else None
        self._live()

    def restart(self, generation: int) -> None:
        """All but the best forget."""
        self._scatter()
        self._live()

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        """The last particles move."""
        rng = generator(self._place.seed, self._place.index, generation, self.name)
        lead = self._lead
        drafts = [self._moved(particle, lead, rng) for particle in self._particles[len(self._particles) - count :]]
        self.step = max(DECAY * self.step, LEAST_STEP)
        return drafts

    def _moved(self, particle: Particle[G], lead: Particle[G] | None, rng: Random) -> Draft[G]:
        """Where a particle is next; who has nothing to fly to is drawn anew."""
        if particle.best is None or lead is None or lead.best is None or self._worst is None:
            draft = self._breeder.random(rng)
            self._put(particle, self._coordinates.encode(draft.genome), rng)
            return draft
        pulls = Pulls.drawn(rng)
        places = (particle.point, particle.best_point, lead.best_point, self._worst[1])
        here, own, best, worst = ({name: float(place[name]) for name in self._numbers} for place in places)
        particle.speed = velocity(particle.speed, here, own, best, worst, pulls)
        for name in self._numbers:
            reached = here[name] + self.step * particle.speed[name]
            particle.point[name] = min(max(reached, 0.0), 1.0)
            if particle.point[name] != reached:
                particle.speed[name] = 0.0
        for name in self._choices:
            if rng.random() < self.step:
                others = (particle.best_point[name], lead.best_point[name], self._worst[1][name])
                particle.point[name] = category(particle.point[name], *others, self._choices[name], pulls, rng)
        parents = tuple(dict.fromkeys((particle.best.id, lead.best.id)))
        return self._breeder.draft(self._coordinates.decode(particle.point), self.name, parents)

    def _put(self, particle: Particle[G], point: dict[str, Choice | float], rng: Random) -> None:
        """Put a particle somewhere, on its way to where another is."""
        particle.point, particle.stale = dict(point), 0
        other = rng.choice(self._particles).point
        particle.speed = {name: float(other[name]) - float(point[name]) for name in self._numbers}

    def _judge(self, particle: Particle[G], individual: Individual[G]) -> None:
        """What an outcome is to a particle."""
        particle.stale += 1
        if individual.succeeded:
            worth = self.ranking.worth(individual)
            if self._worst is None or worth < self._worst[0]:
                self._worst = (worth, dict(particle.point))
            if particle.best is None or worth > self.ranking.worth(particle.best):
                particle.best, particle.best_point, particle.stale = individual, dict(particle.point), 0
        if particle.best is not None and (not individual.succeeded or particle.stale >= OWN_PATIENCE):
            particle.home()

    @property
    def _lead(self) -> Particle[G] | None:
        """The particle with the best personal best."""
        best = self.ranking.best_first(particle.best for particle in self._particles if particle.best is not None)
        return next((particle for particle in self._particles if best and particle.best is best[0]), None)

    def _hold(self, particle: Particle[G], staying: Container[str]) -> tuple[bool, bool, float]:
        """How firmly a particle has its place when somebody comes: who has nothing goes first, then whose best lives on
        as another's, then who is worse."""
        if particle.best is None:
            return False, False, 0.0
        return True, particle.best.id in staying, self.ranking.worth(particle.best)

    def _scatter(self) -> None:
        """All but the first among them forget their best, and are drawn anew."""
        lead = self._lead
        for particle in self._particles:
            if particle is not lead:
                particle.best = None
        self.step, self._unchanged = STEP, 0

    def _live(self) -> None:
        """The population is the personal bests."""
        self._keep([particle.best for particle in self._particles if particle.best is not None])
