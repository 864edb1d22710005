"""The judge: one recipe, one prompt, no cache, no batch, plain Python numbers. Slow and obvious on purpose.

Nothing here is imported from ``evoswarm.decoding``: what it states, it states for itself.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from evoswarm.recipe import Recipe

END = 256
FLOOR = 1e-12
Ids = tuple[int, ...]


class OracleMember:
    """A model and its tokenizer, read from the beginning at every question."""

    def __init__(self, directory: Path, chat_template: bool = False) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        self.chat_template = chat_template
        self.ends = self._ends()
        backend = self.tokenizer.backend_tokenizer
        layout = json.loads(backend.to_str())
        self.byte_level = "ByteLevel" in json.dumps([layout["decoder"], layout["pre_tokenizer"]])
        added = backend.get_added_tokens_decoder()
        self.spelling: dict[int, bytes] = {}
        for text, token in backend.get_vocab().items():
            special = token in self.ends or (token in added and added[token].special)
            if not special and token < self.model.config.vocab_size:
                self.spelling[token] = text.encode() if token in added else self._spell(text)
        layout.update(added_tokens=[], post_processor=None, normalizer=None)
        if layout["model"]["type"] == "Unigram":
            names = layout["model"]["vocab"]
            layout["model"]["vocab"] = [
                [n if t in self.spelling else f"\ue000{t}", p] for t, (n, p) in enumerate(names)
            ]
        for step in (layout["pre_tokenizer"] or {}).get("pretokenizers", [layout["pre_tokenizer"]]):
            if step is not None and step["type"] == "Metaspace":
                step["prepend_scheme"] = "never"
        self.plain = Tokenizer.from_str(json.dumps(layout))
        self.remembered: dict[Ids, tuple[dict[int, float], float]] = {}

    def _ends(self) -> list[int]:
        ends: set[int] = set()
        for eos in (
            self.model.generation_config.eos_token_id,
            self.model.config.eos_token_id,
            self.tokenizer.eos_token_id,
        ):
            ends |= set(eos) if isinstance(eos, list) else set() if eos is None else {eos}
        return sorted(ends)

    def _spell(self, text: str) -> bytes:
        if self.byte_level:
            visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
            hidden = [byte for byte in range(256) if byte not in visible]
            table = {chr(b): b for b in visible} | {chr(256 + n): b for n, b in enumerate(hidden)}
            return bytes(table[character] for character in text)
        if text.startswith("<0x"):
            return bytes([int(text[3:5], 16)])
        return text.replace("\u2581", " ").encode()

    def prompt(self, text: str) -> Ids:
        if self.chat_template:
            chat = [{"role": "user", "content": text}]
            text = self.tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
            return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return tuple(self.tokenizer(text)["input_ids"])

    def next_token(self, ids: Ids) -> tuple[dict[int, float], float]:
        """Probability of every token that spells something, and of END."""
        if ids not in self.remembered:
            with torch.inference_mode():
                logits = self.model(torch.tensor([ids])).logits[0, -1].double()
            tokens = sorted(self.spelling)
            probabilities = torch.softmax(logits[tokens + self.ends], 0).tolist()
            self.remembered[ids] = (dict(zip(tokens, probabilities, strict=False)), sum(probabilities[len(tokens) :]))
        return self.remembered[ids]

    def encode(self, text: bytes) -> Ids | None:
        """E(text): pretokenizer and model only; the text may end inside a character."""
        whole = text.decode(errors="ignore").encode()
        partial = text[len(whole) :]
        if self.byte_level:
            done = _completed(text)
            pieces = self._pieces(done.decode())
            if partial:
                pieces[-1] = pieces[-1][: len(pieces[-1]) - (len(done) - len(text))]
            ids = [token.id for piece in pieces for token in self.plain.model.tokenize(piece)]
        else:
            pieces = self._pieces(whole.decode().replace(" ", "\u2581"))
            ids = [token.id for piece in pieces for token in self.plain.model.tokenize(piece)]
            ids += [self.plain.token_to_id(f"<0x{byte:02X}>") for byte in partial]
        return tuple(ids) if self.spelled(tuple(ids)) == text else None

    def _pieces(self, text: str) -> list[str]:
        if self.plain.pre_tokenizer is None:
            return [text]
        return [piece for piece, _ in self.plain.pre_tokenizer.pre_tokenize_str(text)]

    def spelled(self, ids: Ids) -> bytes:
        return b"".join(self.spelling.get(token, b"\xff\xff") for token in ids)

    def paths(self, text: bytes) -> list[Ids]:
        """C(j) for text = x[:j]."""
        found: list[Ids] = []
        for probe in (b"", b"a", b"0") if _is_utf8(text) else (b"",):
            ids = self.encode(text + probe) or ()
            for length in range(len(ids) + 1):
                if self.spelled(ids[:length]) == text and ids[:length] not in found:
                    found.append(ids[:length])
        return found

    def heads(self, x: bytes) -> list[tuple[Ids, bytes]]:
        """Every path of C(j) behind which some token leads beyond x, with the rest of x; END leads beyond all of x."""
        found = []
        for j in range(len(x) + 1):
            if j == len(x) or any(s.startswith(x[j:]) and len(s) > len(x) - j for s in self.spelling.values()):
                found += [(path, x[j:]) for path in self.paths(x[:j])]
        return found

    def read(self, prompt: Ids, x: bytes, epsilon: float) -> tuple[Ids, set[Ids], float]:
        """The common prefix of all heads, the paths whose rows are read, and what the unread heads count for."""
        heads = self.heads(x)
        common = heads[0][0]
        for path, _ in heads:
            while path[: len(common)] != common:
                common = common[:-1]
        read = {common}
        while True:
            counts = [self._count(prompt, path, rest, common, read) for path, rest in heads]
            unread = [(path, count) for (path, _), count in zip(heads, counts, strict=True) if path not in read]
            wanted = [path for path, count in unread if count > 0 and count >= epsilon * sum(counts)]
            if not wanted:
                return common, read, sum(count for _, count in unread)
            read |= {path[: _depth_read(path, common, read) + 1] for path in wanted}

    def next_byte(self, prompt: Ids, x: bytes, epsilon: float) -> tuple[list[float], float] | None:
        """Probability of the 257 symbols behind x, and the share left out; None: no mass on any allowed symbol."""
        if not self.heads(x):
            return None
        common, read, left_out = self.read(prompt, x, epsilon)
        symbols = self._sum(prompt, [head for head in self.heads(x) if head[0] in read], common)
        symbols = [p if ok else 0.0 for p, ok in zip(symbols, allowed(x), strict=True)]
        kept = sum(symbols)
        return ([p / kept for p in symbols], left_out / (left_out + kept)) if kept > 0 else None

    def _mass(self, prompt: Ids, path: Ids, common: Ids) -> float:
        tokens = range(len(common), len(path))
        return math.prod(self.next_token(prompt + path[:depth])[0][path[depth]] for depth in tokens)

    def _count(self, prompt: Ids, path: Ids, rest: bytes, common: Ids, read: set[Ids]) -> float:
        """What a head counts for: exactly once it is read, else its mass up to the deepest ancestor that is."""
        if path not in read:
            return self._mass(prompt, path[: _depth_read(path, common, read) + 1], common)
        return self._mass(prompt, path, common) * sum(self._beyond(prompt, path, rest))

    def _beyond(self, prompt: Ids, path: Ids, rest: bytes) -> list[float]:
        """Probability of the tokens behind a head that strictly extend the rest of the text, by their next byte."""
        symbols = [0.0] * 257
        tokens, end = self.next_token(prompt + path)
        for token, probability in tokens.items():
            spelled = self.spelling[token]
            if spelled.startswith(rest) and len(spelled) > len(rest):
                symbols[spelled[len(rest)]] += probability
        symbols[END] = end if rest == b"" else 0.0
        return symbols

    def _sum(self, prompt: Ids, heads: list[tuple[Ids, bytes]], common: Ids) -> list[float]:
        totals = [0.0] * 257
        for path, rest in heads:
            mass = self._mass(prompt, path, common)
            totals = [total + mass * p for total, p in zip(totals, self._beyond(prompt, path, rest), strict=True)]
        return totals


def _depth_read(path: Ids, common: Ids, read: set[Ids]) -> int:
    """How many tokens of a path its deepest read ancestor has."""
    return max(depth for depth in range(len(common), len(path)) if path[:depth] in read)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _completed(text: bytes) -> bytes:
    """The text with the highest bytes that finish its last character."""
    endings = [b"", b"\xbf", b"\x9f", b"\x8f", b"\xbf\xbf", b"\x9f\xbf", b"\xbf\xbf\xbf", b"\x8f\xbf\xbf"]
    return next(text + more for more in endings if _is_utf8(text + more))


def allowed(x: bytes) -> list[bool]:
    """Which symbols keep x valid UTF-8: tried out, with enough ways in which a character could go on."""
    tails = [b"", b"\x80", b"\x80\x80", b"\xbf", b"\xbf\x80", b"\xbf\x80\x80", b"\x90\x80\x80", b"\x8f\x80\x80"]
    return [any(_is_utf8(x + bytes([byte]) + tail) for tail in tails) for byte in range(256)] + [_is_utf8(x)]


def philox(position: int, symbol: int, key: int) -> int:
    """First word of Philox-4x32-10."""
    c, k, mask = [position, symbol, 0, 0], [key & 0xFFFFFFFF, key >> 32], 0xFFFFFFFF
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & mask, (a >> 32) ^ c[3] ^ k[1], a & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c[0]


def normalise(scores: dict[int, float]) -> dict[int, float]:
    top = max(scores.values())
    total = top + math.log(sum(math.exp(score - top) for score in scores.values()))
    return {symbol: score - total for symbol, score in scores.items()}


def entropy(row: dict[int, float]) -> float:
    return -sum(math.exp(log_prob) * log_prob for log_prob in row.values())


def fuse(recipe: Recipe, spoken: dict[int, list[float]], lead: int, ok: list[bool]) -> list[float]:
    """Fused log-probabilities; ``spoken`` maps members to floored log-probabilities."""
    symbols = [s for s in range(len(ok)) if ok[s]]
    rows = {
        i: normalise({s: row[s] / recipe.members[i].temperature for s in symbols}) for i, row in sorted(spoken.items())
    }
    members, rule, alpha, strength = list(rows), recipe.fusion.rule, recipe.fusion.alpha, recipe.fusion.contrast

    def shares(of: list[int]) -> dict[int, float]:
        raw = {i: recipe.members[i].weight * math.exp(-recipe.fusion.beta * entropy(rows[i])) for i in of}
        return {i: raw[i] / sum(raw.values()) for i in of}

    w = shares(members)
    if len(members) == 1:
        fused = rows[members[0]]
    elif rule == "mixture" or (rule == "contrast" and lead not in rows):
        fused = {s: math.log(sum(w[i] * math.exp(rows[i][s]) for i in members)) for s in symbols}
    elif rule == "product" or (rule == "power" and abs(alpha) < 1e-3):
        fused = {s: sum(w[i] * rows[i][s] for i in members) for s in symbols}
    elif rule == "power" and math.isinf(alpha):
        fused = {s: (max if alpha > 0 else min)(rows[i][s] for i in members) for s in symbols}
    elif rule == "power":
        fused = {}
        for s in symbols:
            top = max(alpha * rows[i][s] for i in members)
            fused[s] = (top + math.log(sum(w[i] * math.exp(alpha * rows[i][s] - top) for i in members))) / alpha
    elif rule == "most_confident":
        least = min(entropy(rows[i]) for i in members)
        best = [i for i in members if entropy(rows[i]) <= least + 1e-6]
        fused = rows[lead if lead in best else best[0]]
    elif rule == "vote":
        votes = dict.fromkeys(symbols, 0.0)
        for i in members:
            votes[min(symbols, key=lambda s: (-rows[i][s], s))] += w[i]
        tied = [s for s in symbols if votes[s] >= max(votes.values()) - 1e-6]
        votes[min(tied, key=lambda s: (-spoken[lead][s] if lead in spoken else 0.0, s))] += 2e-6
        fused = {s: math.log(max(v, FLOOR)) for s, v in votes.items()}
    else:
        others = shares([i for i in members if i != lead])
        plausible = max(rows[lead].values()) + math.log(0.1)
        fused = {
            s: (1 + strength) * rows[lead][s] - strength * sum(others[i] * rows[i][s] for i in others)
            for s in symbols
            if rows[lead][s] >= plausible
        }
    final = normalise(fused)
    return [final.get(s, -math.inf) for s in range(len(ok))]


def noise_key(recipe: Recipe, key: str, sample: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{recipe.noise_seed}:{key}:{sample}".encode()).digest()[:8], "big")


def _opens(recipe: Recipe, threshold: float, surprise: float, drawn: float, lead_abstains: bool) -> bool:
    """Whether a follower speaks."""
    if threshold == 0 or lead_abstains:
        return True
    if recipe.gate == "low_entropy":
        return surprise <= threshold
    return (drawn if recipe.gate == "random" else surprise) >= threshold


def choose(recipe: Recipe, fused: list[float], position: int, key: str, sample: int) -> tuple[int, float]:
    """The chosen symbol and its lead over the second."""
    scores = fused
    if recipe.samples > 1:
        word = noise_key(recipe, key, sample)
        drawn = [(philox(position, s, word) + 0.5) / 2**32 for s in range(len(fused))]
        noise = [-math.log(-math.log(u)) for u in drawn]
        scores = [v / recipe.sampling_temperature + n for v, n in zip(fused, noise, strict=True)]
    first, second = sorted(range(len(scores)), key=lambda s: (-scores[s], s))[:2]
    return first, scores[first] - scores[second]


class Answer(NamedTuple):
    """A text, its smallest margin (gates included), and the lead's entropies at the steps where it does not abstain."""

    text: str
    margin: float
    entropies: list[float]


def decode(
    recipe: Recipe, members: list[OracleMember], prompt: str, key: str, max_bytes: int, sample: int = 0
) -> Answer:
    """One answer in the bytes alphabet. ``members`` as in the recipe."""
    prompts = [member.prompt(recipe.prompt_format.replace("{prompt}", prompt)) for member in members]
    x, margin, lead = b"", math.inf, recipe.lead_index
    entropies: list[float] = []
    while len(x) < max_bytes:
        led = members[lead].next_byte(prompts[lead], x, recipe.epsilon)
        surprise = math.inf if led is None else -sum(p * math.log(p) for p in led[0] if p > 0)
        drawn = philox(len(x), 0xFFFFFFFF, noise_key(recipe, key, sample)) / 2**32
        entropies += [] if led is None else [surprise]
        spoken = {}
        for i, member in enumerate(recipe.members):
            if i == lead or _opens(recipe, member.threshold, surprise, drawn, led is None):
                view = members[i].next_byte(prompts[i], x, recipe.epsilon)
                if view is not None:
                    spoken[i] = [math.log(max(p, FLOOR)) for p in view[0]]
            if i != lead and member.threshold > 0:
                signal = drawn if recipe.gate == "random" else surprise
                margin = min(margin, math.inf if led is None else abs(signal - member.threshold))
        if not spoken:
            return Answer("no_mass", margin, entropies)
        symbol, gap = choose(recipe, fuse(recipe, spoken, lead, allowed(x)), len(x), key, sample)
        margin = min(margin, gap)
        if symbol == END:
            return Answer(x.decode(), margin, entropies)
        x += bytes([symbol])
    return Answer(x.decode(errors="ignore"), margin, entropies)
