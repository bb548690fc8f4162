// Tokenizer and chat template of one model: prompts to ids, ids to a stream of text, rows to loss masks.
import { Tokenizer } from "@huggingface/tokenizers";
import { EspalierError } from "../../kit/errors.ts";
import type { ChatMessage, RenderedRow } from "../protocol.ts";
import type { TokenizerFiles } from "../weights/weights.ts";
import { type ChatTemplate, compileTemplate } from "./template.ts";

export type ModelText = {
  /** Ids of a conversation (by the template, or plain "role: text" lines where a model has none). */
  encodeChat(messages: readonly ChatMessage[], addGenerationPrompt: boolean): number[];
  encode(text: string, options?: { withSpecial?: boolean }): number[];
  decode(ids: readonly number[], options?: { keepSpecial?: boolean }): string;
  renderRow(messages: readonly ChatMessage[], addGenerationPrompt: boolean): RenderedRow;
  /** Ids that end a reply, the tokenizer's eos_token among them. */
  eosIds: ReadonlySet<number>;
};

/** The text of a token entry, which is a string or an object with `content`. */
function tokenText(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null && "content" in value && typeof value.content === "string")
    return value.content;
  return null;
}

/** For models that bring no template of their own. */
export const PLAIN_TEMPLATE =
  "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}";

export function createModelText(files: TokenizerFiles, eosTokenIds: readonly number[]): ModelText {
  const config = { ...files.tokenizerConfig, clean_up_tokenization_spaces: false };
  const tokenizer = new Tokenizer(files.tokenizerJson, config);
  const bosToken = tokenText(files.tokenizerConfig.bos_token);
  const eosToken = tokenText(files.tokenizerConfig.eos_token);
  const eosIds = new Set(eosTokenIds);
  const eosId = eosToken === null ? undefined : tokenizer.token_to_id(eosToken);
  if (eosId !== undefined) eosIds.add(eosId);
  for (const name of ["<|im_end|>", "<|eot_id|>", "<|end_of_turn|>"]) {
    const id = tokenizer.token_to_id(name);
    if (id !== undefined && (files.chatTemplate ?? "").includes(name)) eosIds.add(id);
  }
  let template: ChatTemplate | undefined;
  function chatTemplate(): ChatTemplate {
    template ??= compileTemplate(files.chatTemplate ?? PLAIN_TEMPLATE, { bosToken, eosToken });
    return template;
  }

  function encode(text: string, { withSpecial = false } = {}): number[] {
    return text === "" ? [] : tokenizer.encode(text, { add_special_tokens: withSpecial }).ids;
  }

  function decode(ids: readonly number[], { keepSpecial = false } = {}): string {
    if (ids.length === 0) return "";
    return tokenizer.decode([...ids], {
      skip_special_tokens: !keepSpecial,
      clean_up_tokenization_spaces: false,
    });
  }

  /** Where each assistant part starts and ends in the rendered text, found by rendering prefixes. */
  function targetSpans(messages: readonly ChatMessage[], full: string): [number, number][] {
    const spans: [number, number][] = [];
    messages.forEach((message, i) => {
      if (message.role !== "assistant") return;
      const start = chatTemplate().render(messages.slice(0, i), true);
      const end = chatTemplate().render(messages.slice(0, i + 1), false);
      if (!full.startsWith(end) || !end.startsWith(start))
        throw new EspalierError(
          "TEMPLATE_NOT_INCREMENTAL",
          `The chat template renders message ${i + 1} differently once more messages follow.`,
          { field: "chat_template", hint: "Train such a model on prompt–completion rows of one turn." },
        );
      // White space after the end-of-turn mark is the template's, not the reply's.
      spans.push([start.length, start.length + end.slice(start.length).trimEnd().length]);
    });
    return spans;
  }

  return {
    encode,
    decode,
    eosIds,
    encodeChat: (messages, addGenerationPrompt) =>
      encode(chatTemplate().render(messages, addGenerationPrompt)),
    renderRow(messages, addGenerationPrompt) {
      const text = chatTemplate().render(messages, addGenerationPrompt);
      const spans = targetSpans(messages, text);
      const ids: number[] = [];
      const isTarget: boolean[] = [];
      const push = (part: string, target: boolean): void => {
        for (const id of encode(part)) {
          ids.push(id);
          isTarget.push(target);
        }
      };
      let at = 0;
      for (const [start, end] of spans) {
        push(text.slice(at, start), false);
        push(text.slice(start, end), true);
        at = end;
      }
      push(text.slice(at), false);
      return { text, ids, isTarget, pieces: ids.map((id) => decode([id], { keepSpecial: true })) };
    },
  };
}

/** Turns ids into text as they come, holding back what may yet change. */
export class TextStream {
  private readonly ids: number[] = [];
  private stableIds = 0;
  private readIds = 0;
  private held = "";
  /** True once a stop string was met; the text before it is all there is. */
  isStopped = false;

  constructor(
    private readonly text: ModelText,
    private readonly stops: readonly string[],
  ) {}

  /** Adds an id and returns the text that is now certain. */
  push(id: number): string {
    this.ids.push(id);
    // Decoding from a few ids back keeps what a tokenizer does at the start of a text out of the difference.
    const before = this.text.decode(this.ids.slice(this.stableIds, this.readIds));
    const after = this.text.decode(this.ids.slice(this.stableIds));
    if (after.length <= before.length || after.endsWith("\uFFFD")) return "";
    this.stableIds = this.readIds;
    this.readIds = this.ids.length;
    return this.release(after.slice(before.length));
  }

  private release(fresh: string): string {
    this.held += fresh;
    for (const stop of this.stops) {
      const at = this.held.indexOf(stop);
      if (at < 0) continue;
      this.isStopped = true;
      this.held = this.held.slice(0, at);
    }
    const keep = this.isStopped ? 0 : partialStop(this.held, this.stops);
    const out = this.held.slice(0, this.held.length - keep);
    this.held = this.held.slice(this.held.length - keep);
    return out;
  }

  /** What was held back, at the end of the reply. */
  flush(): string {
    if (this.isStopped) return "";
    const before = this.text.decode(this.ids.slice(this.stableIds, this.readIds));
    const rest = this.text.decode(this.ids.slice(this.stableIds)).slice(before.length);
    const out = this.release(rest) + this.held;
    this.held = "";
    return out;
  }
}

/** Characters at the end of `text` that may be the beginning of a stop string. */
function partialStop(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops)
    for (let n = Math.min(stop.length - 1, text.length); n > longest; n--)
      if (text.endsWith(stop.slice(0, n))) {
        longest = n;
        break;
      }
  return longest;
}
