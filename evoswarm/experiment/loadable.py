"""A policy whose members can be loaded, as far as files say: asked before the models' libraries are imported.

Nothing else is imported for it: whoever answers a question waits for this, and for the models.
"""

from __future__ import annotations

from pathlib import Path

from evoswarm.errors import MemberError, Where
from evoswarm.model_files import model_files
from evoswarm.policies import Policy, PolicyDocument, load_document
from evoswarm.policies.places import member_keys, require_members
from evoswarm.policies.policy import policy_file
from evoswarm.trust import refused_code


def check_recipe(recipe: Path, trust_remote_code: bool) -> PolicyDocument:
    """A policy's file whose members can be loaded, as far as files say.

    Raises:
        EvoswarmError: the file holds no policy, or a member's files are missing or unfit.
    """
    document = load_document(recipe)
    file = policy_file(recipe)
    require_members(document.policy, file)
    check_policy(document.policy, str(file), trust_remote_code)
    return document


def check_policy(policy: Policy, file: str, trust_remote_code: bool = False) -> None:
    """Refuse a policy whose members' files cannot be loaded, as far as files say; what is on the hub is not asked.

    Args:
        policy: read already.
        file: it came from, for errors.
        trust_remote_code: members that need code of their own may run it.

    Raises:
        MemberError: a member's directory is missing, incomplete or no model, or needs code that may not run.
    """
    keys = member_keys(policy)
    for spec in policy.specs:
        where = Where(file, keys[spec.name])
        if spec.trust_remote_code and not trust_remote_code:
            asks = f"{keys[spec.name].removesuffix('path')}trust_remote_code"
            raise MemberError(refused_code(spec.name, spec.path), Where(file, asks))
        files = model_files(spec, where)
        if files is not None:
            files.check(where if spec.chat_template else None)
