"""What kind of checkpoint a directory holds: those that cannot take part are named as what they are, with a remedy."""

from __future__ import annotations

from importlib.util import find_spec

from evoswarm.checkpoint.description import Description, Unfit

# what transformers itself asks for before it reads weights that are stored in such a way
_NEEDED = {
    "bitsandbytes": ("bitsandbytes", "accelerate"),
    "gptq": ("gptqmodel", "optimum"),
    "awq": ("gptqmodel", "accelerate"),
    "fp8": ("accelerate", "kernels"),
    "compressed-tensors": ("compressed_tensors",),
    "mxfp4": ("kernels", "accelerate"),
    "hqq": ("hqq",),
    "quanto": ("optimum.quanto",),
    "torchao": ("torchao",),
    "aqlm": ("aqlm",),
    "eetq": ("eetq",),
}
_SPOKEN = {"gptq": "GPTQ", "awq": "AWQ", "bitsandbytes": "bitsandbytes", "fp8": "FP8", "mxfp4": "MXFP4"}
_NO_WRITERS = (
    "ForMaskedLM",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
    "ForMultipleChoice",
    "ForNextSentencePrediction",
    "ForImageClassification",
    "ForCTC",
)
_WRITERS = ("LMHeadModel", "ForCausalLM")
_READERS = frozenset(  # kinds that write only where their architecture says so: embedding models are called BertModel
    {
        *(
            "albert",
            "bert",
            "camembert",
            "deberta",
            "deberta-v2",
            "distilbert",
            "electra",
            "ernie",
            "esm",
            "longformer",
        ),
        *("modernbert", "mpnet", "nomic_bert", "roberta", "xlm-roberta", "clip", "siglip", "vit", "wav2vec2"),
    }
)


def refuse_kind(description: Description) -> None:
    """Refuse what is no causal language model, and weights in a form that cannot be read here.

    Raises:
        Unfit: says what it is, and what to do.
    """
    description.check_files()
    _refuse_gguf(description)
    description.check_layers()
    _refuse_architecture(description)
    _refuse_quantised(description)


def _refuse_gguf(description: Description) -> None:
    found = sorted(path.name for path in description.directory.glob("*.gguf"))
    weights = any(next(description.directory.glob(pattern), None) for pattern in ("*.safetensors", "*.bin"))
    if found and not weights:
        raise Unfit(
            f"expected weights as safetensors in {str(description.directory)!r}, got {found[0]} (GGUF, for llama.cpp):"
            " take the original model, or convert it once: AutoModelForCausalLM.from_pretrained(directory,"
            " gguf_file=...) and save_pretrained (needs gguf and accelerate)"
        )


def _refuse_architecture(description: Description) -> None:
    config = description.json("config.json")
    names = description.entry("config.json", "architectures", list, "a list of names", default=[])
    odd = next((name for name in names if not isinstance(name, str)), None)
    if odd is not None:
        raise description.odd("config.json", "architectures", "a list of names", odd)
    kind = description.entry("config.json", "model_type", str, "the name of a kind of model")
    what = names[0] if names else kind
    if config.get("is_encoder_decoder") is True:
        raise Unfit(
            f"expected a causal language model in {str(description.directory)!r}, got an encoder with a decoder"
            f" ({what}): evoswarm mixes models that only go on with a text; take a decoder-only one"
        )
    reads_only = kind in _READERS and not any(name.endswith(_WRITERS) for name in names)
    if reads_only or (names and all(name.endswith(_NO_WRITERS) for name in names)):
        raise Unfit(
            f"expected a causal language model in {str(description.directory)!r}, got an encoder or a classifier"
            f" ({what}): it writes no text; take the model for text generation (…ForCausalLM) of its family"
        )


def _refuse_quantised(description: Description) -> None:
    for settings in (description.json("config.json"), description.text_config()):
        quantised = settings.get("quantization_config")
        if quantised is not None:
            break
    else:
        return
    method = quantised.get("quant_method") if isinstance(quantised, dict) else None
    if not isinstance(method, str):
        raise description.odd("config.json", "quantization_config", "an object with quant_method", quantised)
    needed = _NEEDED.get(method, ())
    missing = [name for name in needed if not _installed(name)]
    if needed and not missing:
        return
    remedy = f", or install {' and '.join(missing)}" if missing else ""
    raise Unfit(
        f"expected weights as float32, bfloat16 or float16 in {str(description.directory)!r}, got weights quantised by"
        f" {_SPOKEN.get(method, method)}: take the model as it was before (or one dequantised and saved"
        f" again){remedy}"
    )


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # a package of a package that is not there
        return False
