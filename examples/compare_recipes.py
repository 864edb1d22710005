"""Is one recipe better than another? Both answer the same questions, and the differences say how sure one can be."""

from evoswarm import MemberSpec, Recipe, SearchSpace, evaluate
from evoswarm.policies.mix import Fusion, RecipeMember
from evoswarm.statistics.intervals import difference_of, strata

SPACE = """
name: comparison
pool:
  - {name: calculator, path: "zoo:llama-a"}
  - {name: speller, path: "zoo:llama-b"}
alphabet: tokens
tasks:
  - {name: pairs, source: reasoning_gym, family: pair, max_bytes: 16}
splits: {search: 1, selection: 120, test: 1}
"""


def main() -> None:
    """Compare averaging probabilities with multiplying them."""
    space = SearchSpace.from_text(SPACE)
    members = tuple(
        RecipeMember(spec=MemberSpec(name=name, path=path))
        for name, path in (("calculator", "zoo:llama-a"), ("speller", "zoo:llama-b"))
    )
    scores = {}
    for rule in ("mixture", "product"):
        recipe = Recipe(alphabet="tokens", members=members, lead="calculator", fusion=Fusion(rule=rule, beta=1.0))
        summary = evaluate(recipe, space, "selection").summary
        scores[rule] = summary.scores
        print(f"{rule}: {summary.accuracy:.3f} of {summary.items} questions")
    parts = strata(["pairs"] * len(scores["product"]), {"pairs": 1.0})
    difference = difference_of(scores["product"], scores["mixture"], parts)
    print(f"product less mixture: {difference.mean:+.3f} ({difference.lower():+.3f} to {difference.upper():+.3f})")


if __name__ == "__main__":
    main()
