"""Search from Python: who should speak when, so that two small models answer sums and spell words together?"""

from evoswarm import Progress, SearchSpace, search

SPACE = """
name: first-search
pool:
  - {name: calculator, path: "zoo:llama-a"}   # or a folder of yours, or a name on the hub
  - {name: speller, path: "zoo:llama-b"}
alphabet: tokens                              # both have one tokenizer; leave this out to mix any models
tasks:
  - {name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 8}
  - {name: words, source: reasoning_gym, family: spell_backward, max_bytes: 8}
splits: {search: 16, selection: 16, test: 32}
evolution: {generations: 2, islands: 2, population: 4}
tracking: {mlflow: false}
"""


def main() -> None:
    """Search, and say what was found."""
    told = Progress(generation=lambda one: print(f"generation {one.generation}: best accuracy {one.best:.2f}"))
    result = search(SearchSpace.from_text(SPACE), progress=told)
    print("\n".join(result.champion.words()))
    if result.certificate is not None:
        print(f"on held-out questions: {result.certificate.score.mean:.2f}; {result.certificate.verdict.sentence}")
    print(f"everything else is in {result.directory}")


if __name__ == "__main__":
    main()
