"""How well does a recipe answer one's own questions? Here they are the rows of a CSV file."""

import csv
import random

from evoswarm import MemberSpec, Recipe, SearchSpace, evaluate
from evoswarm.policies.mix import RecipeMember

SPACE = """
name: own-questions
pool:
  - {name: calculator, path: "zoo:llama-a"}
alphabet: tokens
tasks:
  - name: sums
    source: dataset
    path: questions.csv       # or .jsonl, .json, .tsv, .parquet, or a data set on the hub
    prompt: "{first}+{second}="
    answer: "{total}"
    scorer: {kind: numeric}
    max_bytes: 8
splits: {search: 10, selection: 40, test: 10}
"""


def write_questions(path: str) -> None:
    """A table as one might have it."""
    chance = random.Random(0)
    with open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["first", "second", "total"])
        for first, second in {(chance.randint(1, 99), chance.randint(1, 99)) for _ in range(400)}:
            table.writerow([first, second, first + second])


def main() -> None:
    """Write the table, and score one model on a part of it."""
    write_questions("questions.csv")
    member = RecipeMember(spec=MemberSpec(name="calculator", path="zoo:llama-a"))
    recipe = Recipe(alphabet="tokens", members=(member,), lead="calculator")  # or Recipe.load("runs/NAME")
    summary = evaluate(recipe, SearchSpace.from_text(SPACE), "selection").summary
    print(f"{summary.accuracy:.2f} of {summary.items} questions, {summary.cost.flops:,.0f} FLOPs each")


if __name__ == "__main__":
    main()
