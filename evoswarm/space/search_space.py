"""The search space: strict YAML in, frozen and validated data out.

Unknown keys, wrong types, values out of range and contradictions are errors that name file, line, column and
field. Nothing here loads a model; torch is not imported.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Self

from pydantic import PrivateAttr, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from evoswarm.canonical import digest_of
from evoswarm.errors import SpaceError, Where
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.space.coherence import check_coherence
from evoswarm.space.ending import ChampionSettings
from evoswarm.space.explain import explain
from evoswarm.space.gold_settings import GoldSettings
from evoswarm.space.settings import SpaceSettings
from evoswarm.space.source_map import SourceMap
from evoswarm.space.strict_yaml import LARGEST, read_yaml
from evoswarm.trust import NOBODY, Trust
from evoswarm.user_files import read_bytes

_NOT_IDENTITY = frozenset(
    {"description", "seed", "stop_at", "budget", "tracking", "decoding", "champion", "certificate"}
)

_OTHERS = {
    "a study (evoswarm study runs it)": {"space", "settings"},
    "a recipe (evoswarm generate and evaluate take those)": {"members", "lead"},
}
"""Files that are taken for a space, by the keys that give them away."""

_LEFT_OUT = frozenset({"system", "template_options", "template_date"})
"""Keys that came later: where nothing is said, a space has the digests that it had before."""


class SearchSpace(SpaceSettings):
    """A search space: strict YAML in, frozen and validated data out; ``SpaceSettings`` lists its fields.

    Example:
        >>> few = ("splits.search=8", "splits.selection=8", "splits.test=8", "tracking.mlflow=false")
        >>> small = ("evolution.generations=2", "evolution.islands=1", "evolution.population=4")
        >>> space = SearchSpace.from_yaml("search_spaces/tokens.yaml", (*few, *small))
        >>> space.evolution.generations, [member.name for member in space.pool]
        (2, ['llama-a', 'llama-b', 'mamba-b'])
    """

    _source: SourceMap = PrivateAttr(default_factory=SourceMap)
    _trust: Trust = PrivateAttr(default=NOBODY)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        check_coherence(self)
        object.__setattr__(self, "pool", tuple(_with_template_settings(spec, self) for spec in self.pool))
        return self

    @classmethod
    def from_yaml(cls, path: str | Path, overrides: tuple[str, ...] = (), trust: Trust = NOBODY) -> Self:
        """Read a space from a file.

        Args:
            path: of the YAML file.
            overrides: ``path.to.key=value``, the value in YAML; lists are reached into by index.
            trust: whose code may run where the space asks for it.

        Raises:
            SpaceError: names the file (or the override), the field, line and column.
        """
        content = read_bytes(path, limit=LARGEST, raises=SpaceError)
        return cls._from_bytes(str(path), content, tuple(overrides)).trusting(trust)

    @classmethod
    def from_text(cls, text: str, file: str = "<space>") -> Self:
        """Read a space from YAML text; see `from_yaml`."""
        return cls._from_bytes(file, text.encode("utf-8", "surrogatepass"), ())

    @classmethod
    def _from_bytes(cls, file: str, content: bytes, overrides: tuple[str, ...]) -> Self:
        data, source = read_yaml(file, content, overrides)
        for name, keys in _OTHERS.items():
            if keys <= data.keys() and "pool" not in data:
                raise SpaceError(f"expected a search space (with a pool and tasks), got {name}", source.where(()))
        return cls.from_data(data, source)

    @classmethod
    def from_data(cls, data: dict[str, Any], source: SourceMap | None = None) -> Self:
        """Make a space of plain data, as YAML gives it: mappings, lists and scalars.

        Args:
            data: the keys of the format.
            source: where they stood.

        Raises:
            SpaceError: names the field, and its place where that is known.
        """
        source = source or SourceMap()
        try:
            space = cls.model_validate(_with_tuples(data), strict=True)
        except ValidationError as error:
            path, message = explain(error.errors(include_url=False), data, cls.json_schema(), source)
            raise SpaceError(message, source.where(path)) from None
        space._source = source
        return space

    @property
    def trust(self) -> Trust:
        """Whose code may run where the space asks for it: the caller's word, which is never written."""
        return self._trust

    def trusting(self, trust: Trust) -> Self:
        """The same space where the caller trusts so much."""
        space = self.model_copy()
        space._trust = trust
        return space

    @property
    def alphabets(self) -> tuple[AlphabetName, ...]:
        """What recipes may be in, that of the plain ones first.

        Raises:
            ValueError: ``auto`` has not been resolved.
        """
        if self.genome.alphabets is not None:
            return self.genome.alphabets
        if self.alphabet == "auto":
            raise ValueError("expected a space whose pool is known, got alphabet: auto")
        return (self.alphabet,)

    @property
    def saving(self) -> float | None:
        """The least share of FLOPs for which a search prefers a less accurate champion; None is for nothing."""
        costs = any(not name.startswith("accuracy") for name in self.objectives)
        thrifty = costs if self.champion.choose is None else self.champion.choose == "thrifty"
        return self.champion.saving if thrifty else None

    def resolved(self, alphabet: AlphabetName) -> Self:
        """The same space in an alphabet that is known: where it says ``auto``, this or the first of the genome's."""
        if self.alphabet != "auto":
            return self
        return self.model_copy(update={"alphabet": (self.genome.alphabets or (alphabet,))[0]})

    def where(self, *path: str | int) -> Where:
        """Where the value of a field stands: ``where("pool", 0, "path")``."""
        return self._source.where(path)

    def to_yaml(self) -> str:
        """The space with all defaults filled in; reading it gives an equal space."""
        yaml = YAML(typ="rt", pure=True)
        yaml.width = 120
        stream = io.StringIO()
        yaml.dump(_laid_out(self._content()), stream)
        return stream.getvalue()

    @property
    def digest(self) -> str:
        """SHA-256 of everything the space says."""
        return digest_of(self._content())

    @property
    def continuation_digest(self) -> str:
        """SHA-256 of what makes a run the same search: two spaces with one continuation digest may share a run.

        Left out is what may change between two sittings: how long the search goes on (generations, `stop_at`,
        `budget`), what becomes of what it found (`champion`, `certificate`), what never changes a result (`tracking`,
        `decoding`, `description`), and the seed, which names a run of its own and is compared beside this.
        """
        return digest_of(self.identity)

    @property
    def identity(self) -> dict[str, Any]:
        """What makes a run the same search, as JSON data; see ``continuation_digest``."""
        content = {key: value for key, value in self._content().items() if key not in _NOT_IDENTITY}
        content["evolution"] = {key: value for key, value in content["evolution"].items() if key != "generations"}
        return content

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the format."""
        return cls.model_json_schema(by_alias=True)

    def without_unsaid(self, content: dict[str, Any]) -> dict[str, Any]:
        """Its content less the keys that came later and say nothing, so digests of before stay."""
        if self.genome.kind == "mix":
            del content["genome"]["kind"]
        if self.genome.kind != "route":
            del content["genome"]["routes"]
        if self.genome.alphabets is None:
            del content["genome"]["alphabets"]
        if self.champion == ChampionSettings():
            del content["champion"]
        elif self.champion.routes == ChampionSettings().routes:
            del content["champion"]["routes"]
        if self.certificate.merged and "certificate" in content:  # a study leaves it out as a whole
            del content["certificate"]["merged"]
        gold = self.evolution.gold
        if gold == GoldSettings(founders=False) or (gold == GoldSettings() and self.genome.kind != "mix"):
            del content["evolution"]["gold"]
        if not isinstance(self.evolution.islands, int):
            for island in content["evolution"]["islands"]:
                if island["algorithm"] is None:
                    del island["algorithm"]
        return content

    def _content(self) -> dict[str, Any]:
        content = self.without_unsaid(self.model_dump(mode="json", by_alias=True))
        return {key: value for key, value in content.items() if value or key not in _LEFT_OUT}


def _with_template_settings(spec: MemberSpec, space: SpaceSettings) -> MemberSpec:
    """A member's spec with what the space says to all chat templates."""
    if not spec.chat_template:
        return spec
    said = {
        "system": space.system if spec.system is None else spec.system,
        "template_options": {**space.template_options, **spec.template_options},
        "template_date": spec.template_date or space.template_date,
    }
    return spec.model_copy(update=said)


def _with_tuples(value: Any) -> Any:
    """Lists become tuples: strict validation takes nothing else for one."""
    if isinstance(value, dict):
        return {key: _with_tuples(entry) for key, entry in value.items()}
    return tuple(_with_tuples(entry) for entry in value) if isinstance(value, list) else value


def _laid_out(value: Any) -> Any:
    """Lists of scalars go on one line."""
    if isinstance(value, dict):
        return {key: _laid_out(entry) for key, entry in value.items()}
    if not isinstance(value, list):
        return value
    entries = CommentedSeq(_laid_out(entry) for entry in value)
    if not any(isinstance(entry, dict | list) for entry in value):
        entries.fa.set_flow_style()
    return entries
