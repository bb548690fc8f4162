"""Writes toy GGUF files as llama.cpp's converter does, with what transformers reads from them."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from transformers import AutoTokenizer

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
# Words from which the toy SentencePiece vocabulary is grown, the commonest pieces first.
CORPUS = (
    "the model reads a message and the team answers it the other day they were there "
    "hello world this is a test of the tokenizer it said that things are fine über naïve"
)


def interleave(values: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp's order of query and key rows: the two rotary halves of each head alternate."""
    shape = values.shape
    return (
        values.reshape(heads, 2, shape[0] // heads // 2, *shape[1:])
        .swapaxes(1, 2)
        .reshape(shape)
    )


def write_model(
    path: Path, model: Any, tokenizer: Any, rope_freqs: np.ndarray | None
) -> None:
    """A whole Llama as F32; `tokenizer` adds its own metadata to the writer."""
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    tokenizer(writer)
    if rope_freqs is not None:
        writer.add_tensor("rope_freqs.weight", rope_freqs)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, value in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        array = value.numpy()
        if "q_proj" in name:
            array = interleave(array, config.num_attention_heads)
        if "k_proj" in name:
            array = interleave(array, config.num_key_value_heads)
        named = names.get_name(name, try_suffixes=(".weight",))
        writer.add_tensor(named, np.ascontiguousarray(array, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def sentencepiece_vocabulary(size: int) -> list[tuple[str, float, int]]:
    """Pieces with score and type as in Llama 2's: specials, 256 bytes, merged pieces, then single characters."""
    pieces = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    pieces += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    words = [list("▁" + word) for word in CORPUS.split()]
    letters = sorted({letter for word in words for letter in word})
    found: list[str] = []
    while len(pieces) + len(found) + len(letters) < size - 1:
        counts: dict[tuple[str, str], int] = {}
        for word in words:
            for pair in pairwise(word):
                counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            break
        left, right = max(counts, key=lambda pair: (counts[pair], pair))
        found.append(left + right)
        for word in words:
            at = 0
            while at < len(word) - 1:
                if word[at] == left and word[at + 1] == right:
                    word[at : at + 2] = [left + right]
                at += 1
    ordered = [*dict.fromkeys(found), *letters]
    pieces += [(piece, -float(rank), NORMAL) for rank, piece in enumerate(ordered)]
    pieces.append(("<|tool|>", 0.0, USER_DEFINED))
    return pieces


def add_sentencepiece(writer: Any, pieces: list[tuple[str, float, int]]) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([piece for piece, _, _ in pieces])
    writer.add_token_scores([score for _, score, _ in pieces])
    writer.add_token_types([kind for _, _, kind in pieces])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)


def add_characters(writer: Any, vocabulary: dict[str, int]) -> None:
    """The toy vocabulary of one character a token, as byte-level BPE would name it."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(vocabulary))
    writer.add_token_types([NORMAL] * len(vocabulary))
    # A list without entries is not written; the tests feed this vocabulary ids, never text.
    first, second = list(vocabulary)[:2]
    writer.add_token_merges([f"{first} {second}"])


def rope_factors(parameters: dict[str, Any], head_dim: int) -> np.ndarray:
    """The rope_freqs tensor that llama.cpp's converter writes for rope_type llama3."""
    base = parameters["rope_theta"]
    factor, original = (
        parameters["factor"],
        parameters["original_max_position_embeddings"],
    )
    low, high = parameters["low_freq_factor"], parameters["high_freq_factor"]
    out = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * math.pi * base ** (i / head_dim)
        if wavelength < original / high:
            out.append(1.0)
        elif wavelength > original / low:
            out.append(factor)
        else:
            smooth = (original / wavelength - low) / (high - low)
            out.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(out, dtype=np.float32)


def read_back(path: Path, texts: list[str]) -> list[dict[str, Any]]:
    """Ids of each text by the tokenizer that transformers makes of the GGUF."""
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    return [
        {"text": text, "ids": tokenizer(text, add_special_tokens=False)["input_ids"]}
        for text in texts
    ]
