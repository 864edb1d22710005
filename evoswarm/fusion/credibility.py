"""Credibility: members that found the answer so far likelier than the others did count more.

Written down for the places of one answer, with w_i the weights without credibility, p_i what a speaker says (tempered,
masked, floored) and v_i the weights that speakers have in the end at a place::

    v_i is proportional to w_i exp(gamma c_i)
    c_i <- decay (c_i + log p_i(x) - log sum_j v_j p_j(x))    for who spoke when x was chosen
    c_i <- decay c_i                                          for who was silent

Among members that speak at every step the second logarithm is the same for all and drops out of the weights, which
leaves gamma times the sum of decay^(t - s) log p_i(x_s | x_<s). With gamma = decay = 1 that is Bayes' rule over
members, so `mixture` is the mixture of whole strings (arXiv:2603.05432), not of next symbols. Who is silent is taken to
have said what the speakers said together, so it neither gains nor loses, and nobody has to read what was said in its
absence: the sleeping experts of Freund, Schapire, Singer and Warmuth (STOC 1997).
"""

from __future__ import annotations

from evoswarm.fusion.parameter import Parameter
from evoswarm.fusion.speakers import Speakers, Tensor

GAMMA = Parameter(
    "gamma",
    "credibility: weights are multiplied by exp(gamma * how much likelier than the others a member found the answer so "
    "far, in nats); 0 is none",
    default=0.0,
    searched=(0.0, 1.0),
    at_least=0.0,
    at_most=1.0,
    atoms=((0.0, 0.3), (1.0, 0.1)),
    optional=True,
)
DECAY = Parameter(
    "decay",
    "of credibility: the share of it that is left one symbol later; 1 forgets nothing",
    default=1.0,
    searched=(0.5, 1.0),
    at_least=0.01,
    at_most=1.0,
    atoms=((1.0, 0.3),),
    optional=True,
    under="gamma",
)


def gains(speakers: Speakers, symbols: Tensor) -> Tensor:
    """What a step adds to credibilities, before they decay.

    Args:
        speakers: of the step.
        symbols: ``[streams]`` what was chosen, or had to be followed.

    Returns:
        ``[speakers, streams]`` nats; 0 for who is silent.
    """
    place = symbols[None, :, None].expand(len(speakers.present), -1, 1)
    said = speakers.log_probs.gather(-1, place)[..., 0]
    together = (speakers.log_weights + said).logsumexp(0)
    return (said - together).where(speakers.present, 0.0)
