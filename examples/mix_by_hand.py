"""A mixture without a search: each of two models knows one half of the question, together they answer it."""

from evoswarm import MemberSpec, Recipe, Request, Swarm
from evoswarm.policies.mix import Fusion, RecipeMember

QUESTIONS = ("47+85 & tiger=", "30+12 & stone=", "58+21 & river=")


def main() -> None:
    """Answer with both models, and with each alone."""
    calculator = RecipeMember(spec=MemberSpec(name="calculator", path="zoo:llama-a"))
    speller = RecipeMember(spec=MemberSpec(name="speller", path="zoo:llama-b"))
    fusion = Fusion(rule="product", beta=2.0)  # probabilities are multiplied; the more certain speaker counts for more
    together = Recipe(alphabet="tokens", members=(calculator, speller), lead="calculator", fusion=fusion)
    recipes = {
        "together": together,
        "calculator": together.without("speller"),
        "speller": together.without("calculator"),
    }
    swarm = Swarm.load(together)
    for name, recipe in recipes.items():
        assert recipe is not None
        answers = swarm.decode([Request(recipe, question, max_bytes=12) for question in QUESTIONS])
        print(f"{name:>10}:", ", ".join(f"{answer.samples[0].text!r}" for answer in answers))
    together.save("mix_by_hand.json")  # evoswarm generate mix_by_hand.json "47+85 & tiger="


if __name__ == "__main__":
    main()
