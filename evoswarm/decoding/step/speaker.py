"""Who speaks where a step draws it: a draw from a mixture is one of a member by weight, then of that member's symbol.

Exact for a mixture whose weights nobody's distribution changes: P(symbol) = sum_i w_i p_i(symbol) either way, and only
one member has to be asked (composition method; Devroye 1986, "Non-Uniform Random Variate Generation", section II.4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw_speakers(
    weights: NDArray[np.float32],
    noise: NDArray[np.float64],
    may_speak: NDArray[np.bool_],
    abstains: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Draw one member of each stream by weight; who is known to abstain is passed over, as it leaves before any sum.

    The greatest of the perturbed log-weights is a draw by weight, and so is the greatest among those that are left
    when some are struck out (Gumbel-max; Maddison et al. 2014, arXiv:1411.0030): nobody need be asked who is not drawn.

    Args:
        weights: ``[streams, members]`` positive where a member may speak.
        noise: ``[streams, members]`` standard Gumbel draws.
        may_speak: ``[streams, members]`` for whom the gates are open.
        abstains: ``[streams, members]`` known to give no symbol any mass.

    Returns:
        ``[streams, members]`` whom to ask: the drawn one, and those drawn before it who abstain.
    """
    scores = np.where(may_speak, np.log(weights.astype(np.float64)) + noise, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")
    able = np.take_along_axis(may_speak & ~abstains, order, 1)
    last = np.where(able.any(1), able.argmax(1), order.shape[1])
    rank = np.argsort(order, axis=1, kind="stable")
    drawn: NDArray[np.bool_] = may_speak & (rank <= last[:, None])
    return drawn
