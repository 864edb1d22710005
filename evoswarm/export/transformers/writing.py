"""Writes a policy as a folder that transformers loads: a bundle, a tokenizer of its symbols, and one file of code."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import ModelCard
from transformers import GenerationConfig

from evoswarm.answering.engine import Engine
from evoswarm.answering.likelihood import without_distribution
from evoswarm.experiment.asking import Asking
from evoswarm.export.bundle import CARD, write_bundle
from evoswarm.export.source import Source
from evoswarm.export.target import Options
from evoswarm.export.transformers import MODELING
from evoswarm.export.transformers.config import PolicyConfig
from evoswarm.export.transformers.symbol_ids import SymbolIds
from evoswarm.export.transformers.tokenizer import make_tokenizer
from evoswarm.policies import Policy, PolicyDocument
from evoswarm.policies.route import every_mix
from evoswarm.run_directory import CHAMPION

_SECTION = """
## With transformers

It needs `pip install evoswarm` where it runs: `{modeling}` is a few lines that import it.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
model = AutoModelForCausalLM.from_pretrained("path/to/this/folder", trust_remote_code=True)
inputs = tokenizer("your question", return_tensors="pt")
answer = model.generate(**inputs)[0, inputs.input_ids.shape[1]:]
print(tokenizer.decode(answer, skip_special_tokens=True))
```
"""


def written(source: Source, out: Path, options: Options) -> list[str]:
    """Write the folder; see ``write_transformers``."""
    write_bundle(source, out, options)
    options.progress.enter("exporting", "making a tokenizer of its symbols")
    vocabulary, reason = _vocabulary(source.policy, out, options)
    make_tokenizer(vocabulary).save_pretrained(out)
    _config(vocabulary).save_pretrained(out)
    GenerationConfig(
        do_sample=False,
        max_new_tokens=longest_answer(source.document),
        eos_token_id=vocabulary.mark("end"),
        pad_token_id=vocabulary.mark("pad"),
    ).save_pretrained(out)
    shutil.copyfile(Path(__file__).with_name(MODELING), out / MODELING)
    _tell_in_card(out / CARD)
    lines = [
        f"AutoTokenizer.from_pretrained({str(options.out)!r}) reads questions and conversations",
        f"AutoModelForCausalLM.from_pretrained({str(options.out)!r}, trust_remote_code=True) answers them",
    ]
    return lines if reason is None else [*lines, f"it answers by generate alone, without beams or processors: {reason}"]


def longest_answer(document: PolicyDocument) -> int:
    """Bytes that an answer has at most, whatever the task: symbols have one each at least."""
    tasks: Sequence[str | None] = [None] if document.about is None else [*document.about.tasks] or [None]
    return max(Asking.of(document, task).max_bytes for task in tasks)


def _vocabulary(policy: Policy, out: Path, options: Options) -> tuple[SymbolIds, str | None]:
    """See ``vocabulary_of``: bytes need no look at the members; else they are loaded, from the new folder."""
    reason = without_distribution(policy)
    if reason is not None or all(one.alphabet == "bytes" for one in every_mix(policy)):
        return SymbolIds(), reason
    from evoswarm.export.transformers.next_symbols import vocabulary_of

    engine = Engine.load(out / CHAMPION, trust_remote_code=options.trust.remote_code, on_load=options.progress.loading)
    return vocabulary_of(engine)


def _config(vocabulary: SymbolIds) -> PolicyConfig:
    name = MODELING.removesuffix(".py")
    return PolicyConfig(
        vocab_size=len(vocabulary),
        eos_token_id=vocabulary.mark("end"),
        pad_token_id=vocabulary.mark("pad"),
        architectures=["EvoswarmForCausalLM"],
        auto_map={"AutoConfig": f"{name}.EvoswarmConfig", "AutoModelForCausalLM": f"{name}.EvoswarmForCausalLM"},
    )


def _tell_in_card(file: Path) -> None:
    card = ModelCard.load(file)
    card.data.library_name = "transformers"
    card.data.tags = [*(card.data.tags or ()), "custom_code"]
    card.text = card.text.rstrip() + "\n" + _SECTION.format(modeling=MODELING)
    card.save(file)
