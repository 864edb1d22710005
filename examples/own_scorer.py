"""A scoring function of one's own: half a point for the right digits in the wrong order.

It runs in a confined process, and only because the caller trusts this file; a space alone cannot make it run.
"""

from evoswarm import MemberSpec, Recipe, SearchSpace, Trust, evaluate
from evoswarm.policies.mix import RecipeMember
from evoswarm.tasks.task import Item

SPACE = """
name: own-scorer
pool:
  - {name: calculator, path: "zoo:llama-a"}
alphabet: tokens
tasks:
  - name: sums
    source: reasoning_gym
    family: chain_sum
    scorer: {kind: "own_scorer:digits"}
    max_bytes: 8
splits: {search: 10, selection: 40, test: 10}
"""


def digits(text: str, item: Item) -> float:
    """1 for the right answer, 0.5 for its digits in another order."""
    if text.strip() == item.gold:
        return 1.0
    return 0.5 if sorted(text.strip()) == sorted(item.gold) else 0.0


def main() -> None:
    """Score one model with it."""
    space = SearchSpace.from_text(SPACE).trusting(Trust(scorers=(__file__,)))
    member = RecipeMember(spec=MemberSpec(name="calculator", path="zoo:llama-a"))
    summary = evaluate(Recipe(alphabet="tokens", members=(member,), lead="calculator"), space, "selection").summary
    print(f"{summary.accuracy:.2f} points of 1, over {summary.items} questions")


if __name__ == "__main__":
    main()
