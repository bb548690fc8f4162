"""The trainer's side of test/mask.test.ts: makes a toy base of each family, and encodes rows as a training does.

mask.py make FOLDER                 toy bases with real templates and tokenizers of each kind, one folder each
mask.py encode < [{base, format, files, maxLength}, ...]    prints [[{ids, counts}, ...], ...], one list a job
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GOMP_SPINCOUNT"] = "10000"

import torch
import transformers
from espalier_trainer import base_model, rows
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "support-messages.jsonl"
SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
    "{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
    "{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
LLAMA3 = """{{- bos_token }}
{%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}
{%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}
{%- else %}{%- set system_message = "" %}{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}{{- "Environment: ipython\\n" }}{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}{{- system_message }}{{- "<|eot_id|>" }}
{%- for message in messages %}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}
"""
MISTRAL = (
    "{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}"
    "{%- set loop_messages = messages[1:] %}{%- else %}{%- set loop_messages = messages %}{%- endif %}"
    "{{- bos_token }}{%- for message in loop_messages %}{%- if message['role'] == 'user' %}"
    "{%- if loop.last and system_message is defined %}{{- '[INST] ' + system_message + '\n\n' + message['content'] + '[/INST]' }}"
    "{%- else %}{{- '[INST] ' + message['content'] + '[/INST]' }}{%- endif %}"
    "{%- elif message['role'] == 'assistant' %}{{- ' ' + message['content']|trim + eos_token }}{%- endif %}{%- endfor %}"
)
QWEN3 = """{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or reasoning_content) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

SENTENCE_SPECIAL = {"unk": "<unk>", "bos": "<s>", "eos": "</s>"}
CHATML_SPECIAL = {"pad": "<|endoftext|>", "bos": "<|im_start|>", "eos": "<|im_end|>"}
LLAMA3_SPECIAL = {
    "bos": "<|begin_of_text|>",
    "eos": "<|eot_id|>",
    "head": "<|start_header_id|>",
    "end": "<|end_header_id|>",
}
# Family: architecture, kind of tokenizer, template, special tokens.
FAMILIES: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "llama2": ("llama", "sentence", LLAMA2, SENTENCE_SPECIAL),
    "llama3": ("llama", "llama3", LLAMA3, LLAMA3_SPECIAL),
    "mistral": ("mistral", "sentence", MISTRAL, SENTENCE_SPECIAL),
    "qwen2": ("qwen2", "qwen", CHATML, CHATML_SPECIAL),
    "qwen3": ("qwen3", "qwen", QWEN3, CHATML_SPECIAL),
}


def make_tokenizer(kind: str, special: dict[str, str]) -> Tokenizer:
    """A tokenizer of the kind, with merges learned from the sample's messages."""
    is_sentence = kind == "sentence"
    if is_sentence:
        made = Tokenizer(
            models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>")
        )
        made.pre_tokenizer = pre_tokenizers.Metaspace(
            prepend_scheme="first", split=False
        )
        made.decoder = decoders.Sequence(
            [
                decoders.Replace("▁", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                decoders.Strip(" ", 1, 0),
            ]
        )
        alphabet = [f"<0x{byte:02X}>" for byte in range(256)]
    else:
        made = Tokenizer(models.BPE(ignore_merges=kind == "llama3"))
        if kind == "qwen":
            made.normalizer = normalizers.NFC()
        # Qwen takes digits one by one; its class in transformers says so whatever the file says.
        split = SPLIT.replace("{1,3}", "") if kind == "qwen" else SPLIT
        made.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(split), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        made.decoder = decoders.ByteLevel()
        alphabet = []
    texts = [
        m["content"] for line in SAMPLE.open() for m in json.loads(line)["messages"]
    ]
    texts += ["def f(x):\n    return x\n\n\n", "assistant\n\n", "e\u0301t\u00e9"]
    made.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=900,
            show_progress=False,
            special_tokens=[*special.values(), *alphabet],
            initial_alphabet=[] if is_sentence else pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    if alphabet:
        # The trainer knows the written bytes as special tokens; in a real vocabulary they are plain ones.
        document = json.loads(made.to_str())
        document["added_tokens"] = [
            t for t in document["added_tokens"] if t["content"] in special.values()
        ]
        made = Tokenizer.from_str(json.dumps(document))
    if kind == "llama3":
        bos = special["bos"]
        made.post_processor = processors.Sequence(
            [
                processors.ByteLevel(trim_offsets=True),
                processors.TemplateProcessing(
                    single=f"{bos} $A", special_tokens=[(bos, made.token_to_id(bos))]
                ),
            ]
        )
    elif kind == "qwen":
        made.post_processor = processors.ByteLevel(trim_offsets=False)
    else:
        made.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", made.token_to_id("<s>"))]
        )
    made.add_special_tokens(
        [AddedToken(text, special=True, normalized=False) for text in special.values()]
    )
    return made


def make(folder: Path) -> None:
    for family, (architecture, kind, template, special) in FAMILIES.items():
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_object=make_tokenizer(kind, special),
            bos_token=special["bos"],
            eos_token=special["eos"],
            **({"unk_token": special["unk"]} if "unk" in special else {}),
            **({"pad_token": special["pad"]} if "pad" in special else {}),
        )
        tokenizer.chat_template = template
        config = transformers.AutoConfig.for_model(
            architecture,
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=512,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            **({"sliding_window": None} if architecture == "mistral" else {}),
        )
        torch.manual_seed(3)
        shard = "100KB" if family == "qwen2" else "5GB"
        model = transformers.AutoModelForCausalLM.from_config(config)
        model.save_pretrained(folder / family, max_shard_size=shard)
        tokenizer.save_pretrained(folder / family)


class Quiet:
    """What loading a base says of itself goes nowhere."""

    def state(self, *_: str) -> None:
        return

    def check(self) -> None:
        return


def encode(jobs: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    answers = []
    for job in jobs:
        folder = Path(job["base"])
        if job["format"] == "gguf":
            quiet: Any = Quiet()
            folder = base_model.converted_gguf(quiet, folder, "key", folder)
        tokenizer = base_model.load_tokenizer(folder)
        found = [
            rows.encode(row, tokenizer, job["maxLength"])
            for row in rows.read_rows([Path(file) for file in job["files"]])
        ]
        answers.append(
            [
                {
                    "ids": one.ids,
                    "counts": [label != rows.IGNORED for label in one.labels],
                }
                for one in found
            ]
        )
    return answers


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        json.dump(encode(json.load(sys.stdin)), sys.stdout)
