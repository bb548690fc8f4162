"""Turns dataset rows into token ids with a mask of the tokens that count for the loss."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from .errors import TrainerError

IGNORED = -100
# Stands for a turn's words while their place in a rendered text is looked for.
MARK = "ESPALIERTURN"
Row = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """One tokenized row: `labels` equal `ids` where the token counts for the loss, else -100."""

    ids: list[int]
    labels: list[int]

    @property
    def trained(self) -> int:
        """Tokens that count; the first token of a row is never predicted."""
        return sum(label != IGNORED for label in self.labels[1:])


def read_rows(files: list[Path], check: Callable[[], None] = lambda: None) -> list[Row]:
    """All rows of the JSONL files; BAD_DATA names line and reason. `check` is called between rows and may raise."""
    rows: list[Row] = []
    for file in files:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                check()
                if line.strip():
                    rows.append(_parse(line, number))
    if not rows:
        raise TrainerError("BAD_DATA", "the dataset has no rows", "Choose a dataset version with rows.")
    return rows


def _parse(line: bytes, number: int) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _bad(number, f"is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise _bad(number, "is not an object")
    if isinstance(row.get("prompt"), str) and isinstance(row.get("completion"), str):
        return row
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _bad(number, 'has neither "messages" nor "prompt" and "completion"')
    for message in messages:
        if not (
            isinstance(message, dict)
            and isinstance(message.get("role"), str)
            and isinstance(message.get("content"), str)
        ):
            raise _bad(number, f"has a message without role or content: {str(message)[:100]}")
    if not any(message["role"] == "assistant" for message in messages):
        raise _bad(number, "has no message of role assistant, so there is nothing to learn")
    return row


def _bad(number: int, reason: str) -> TrainerError:
    return TrainerError(
        "BAD_DATA", f"line {number} of the dataset {reason}", "Import the dataset again with this row mended."
    )


def encode(row: Row, tokenizer: Any, max_length: int) -> Example:
    """Tokenizes one row and cuts it at the end to `max_length` tokens."""
    ids, labels = _encode_messages(row["messages"], tokenizer) if "messages" in row else _encode_pair(row, tokenizer)
    return Example(ids[:max_length], labels[:max_length])


def _encode_pair(row: Row, tokenizer: Any) -> tuple[list[int], list[int]]:
    # Apart from each other, because at inference the prompt is tokenized alone.
    prompt = tokenizer(row["prompt"]).input_ids
    eos = tokenizer.eos_token_id
    # Some tokenizers end every text with their end token; the completion must follow the prompt directly.
    if eos is not None and prompt and prompt[-1] == eos and eos != tokenizer.bos_token_id:
        prompt = prompt[:-1]
    completion = tokenizer(row["completion"], add_special_tokens=False).input_ids
    if eos is not None:
        completion = [*completion, eos]
    return [*prompt, *completion], [*([IGNORED] * len(prompt)), *completion]


def _encode_messages(messages: list[Row], tokenizer: Any) -> tuple[list[int], list[int]]:
    text, spans = render(messages, tokenizer)
    encoded = _exact(tokenizer).encode(text, add_special_tokens=False)
    labels = []
    span = 0
    for token, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
        while span < len(spans) and spans[span][1] <= start:
            span += 1
        inside = span < len(spans) and spans[span][0] <= start and end <= spans[span][1] and end > start
        labels.append(token if inside else IGNORED)
    return encoded.ids, labels


@functools.lru_cache(maxsize=1)
def _exact(tokenizer: Any) -> Tokenizer:
    """The tokenizer without its post-processor, whose offsets may leave white space out (trim_offsets of Llama 3).

    With those, line breaks and indentation of an answer would belong to no turn and never be learned.
    """
    exact = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    exact.post_processor = None
    exact.no_truncation()
    exact.no_padding()
    return exact


def render(messages: list[Row], tokenizer: Any) -> tuple[str, list[tuple[int, int]]]:
    """The text that the chat template makes, and the character spans of the assistant's turns in it.

    Few templates mark what the assistant says, so the conversation is rendered up to each of its turns: what
    comes on top is the turn, up to and with its end token. Where a template writes earlier turns in another way
    than last ones (Qwen3 drops their thoughts), the place of the turn's words is looked for instead, by rendering
    once more with others in their stead. The server shows rows by the same rules (targetSpans in engine/text.ts).
    """
    if not tokenizer.chat_template:
        raise TrainerError(
            "BAD_BASE_MODEL",
            "the base model has no chat template, so messages cannot be rendered",
            "Choose an instruct model, or a dataset of prompt and completion.",
        )
    text = _template(messages, tokenizer, prompt=False)
    eos = tokenizer.eos_token or ""
    spans: list[tuple[int, int]] = []
    cursor = 0
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = _template(messages[:index], tokenizer, prompt=True) if index > 0 else ""
        after = _template(messages[: index + 1], tokenizer, prompt=False)
        start, end = len(before), len(after)
        if index > 0 and text.startswith(before) and text.startswith(after) and cursor <= start <= end:
            # What follows the end token (a newline, as a rule) belongs to the template, not to the answer.
            stripped = after.rstrip()
            if eos and stripped.endswith(eos) and len(stripped) > start:
                end = len(stripped)
        else:
            marked = _template(
                [*messages[:index], {**message, "content": MARK}, *messages[index + 1 :]], tokenizer, prompt=False
            )
            start = marked.find(MARK)
            tail = marked[start + len(MARK) :]
            end = len(text) - len(tail)
            if not (cursor <= start <= end and text.startswith(marked[:start]) and text.endswith(tail)):
                raise TrainerError(
                    "BAD_DATA",
                    f"the base model's chat template does not show the assistant's turn {message['content'][:80]!r}",
                    "Use a base model with another template, or a dataset of prompt and completion.",
                )
            if eos and text.startswith(eos, end):
                end += len(eos)
        spans.append((start, end))
        cursor = end
    return text, spans


def _template(messages: list[Row], tokenizer: Any, prompt: bool) -> str:
    plain = [{"role": message["role"], "content": message["content"]} for message in messages]
    try:
        return str(
            tokenizer.apply_chat_template(
                plain,
                tokenize=False,
                add_generation_prompt=prompt,
                # Templates that name the day (Llama 3) would make other rows tomorrow; the engine has none either.
                strftime_now=lambda _format: "",
            )
        )
    except Exception as error:
        raise TrainerError(
            "BAD_DATA",
            f"the base model's chat template refuses a row (roles {[m['role'] for m in plain]}): {error}",
            "Mend the order of roles in the dataset, or use a base model with another template.",
        ) from error
