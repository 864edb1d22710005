"""A bundle: the policy with everything that answering needs, in one folder that works offline, anywhere."""

from evoswarm.export.bundle.card import CARD, model_card
from evoswarm.export.bundle.copying import MEMBERS, Copied
from evoswarm.export.bundle.writing import BUNDLE, write_bundle

__all__ = ["BUNDLE", "CARD", "MEMBERS", "Copied", "model_card", "write_bundle"]
