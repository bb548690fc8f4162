// Tokenizer and chat template of one model: prompts to ids, ids to a stream of text, rows to loss masks.
import { Tokenizer } from "@huggingface/tokenizers";
import { EspalierError } from "../../kit/errors.ts";
import type { ChatMessage, RenderedRow } from "../protocol.ts";
import type { TokenizerFiles } from "../weights/weights.ts";
import { type TokenTable, tokenTable } from "./constraint.ts";
import { byteSpans, bytesOfToken } from "./offsets.ts";
import { type ChatTemplate, compileTemplate } from "./template.ts";

export type ModelText = {
  /** Ids of a conversation (by the template, or plain "role: text" lines where a model has none). */
  encodeChat(messages: readonly ChatMessage[], addGenerationPrompt: boolean): number[];
  encode(text: string, options?: { withSpecial?: boolean }): number[];
  decode(ids: readonly number[], options?: { keepSpecial?: boolean }): string;
  /** A conversation as a training sees it. @throws EspalierError TEMPLATE_*, TOKENS_NOT_IN_TEXT */
  renderRow(messages: readonly ChatMessage[], addGenerationPrompt: boolean): RenderedRow;
  /** Prompt and completion as a training sees them: no template, the end token after the completion. */
  renderPair(prompt: string, completion: string): RenderedRow;
  /** The tokens up to `vocabSize` by their bytes; made once. */
  tokens(vocabSize: number): TokenTable;
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

/** Stands for a turn's words while their place in a rendered text is looked for. */
const MARK = "ESPALIERTURN";

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
  let table: TokenTable | undefined;
  let template: ChatTemplate | undefined;
  function chatTemplate(): ChatTemplate {
    template ??= compileTemplate(files.chatTemplate ?? PLAIN_TEMPLATE, { bosToken, eosToken });
    return template;
  }

  function encode(text: string, { withSpecial = false } = {}): number[] {
    return text === "" && !withSpecial ? [] : tokenizer.encode(text, { add_special_tokens: withSpecial }).ids;
  }

  function decode(ids: readonly number[], { keepSpecial = false } = {}): string {
    if (ids.length === 0) return "";
    return tokenizer.decode([...ids], {
      skip_special_tokens: !keepSpecial,
      clean_up_tokenization_spaces: false,
    });
  }

  /** The assistant's turns in the rendered text: what the trainer's `render` (rows.py) finds, by the same rules. */
  function targetSpans(messages: readonly ChatMessage[], full: string): [number, number][] {
    const render = (some: readonly ChatMessage[], prompt: boolean): string =>
      chatTemplate().render(some, prompt);
    const eos = eosToken ?? "";
    const spans: [number, number][] = [];
    let cursor = 0;
    messages.forEach((message, i) => {
      if (message.role !== "assistant") return;
      const before = i > 0 ? render(messages.slice(0, i), true) : "";
      const after = render(messages.slice(0, i + 1), false);
      let start = before.length;
      let end = after.length;
      if (i > 0 && full.startsWith(before) && full.startsWith(after) && start >= cursor && start <= end) {
        // What follows the end token (a newline, as a rule) belongs to the template, not to the answer.
        const stripped = after.trimEnd();
        if (eos !== "" && stripped.endsWith(eos) && stripped.length > start) end = stripped.length;
      } else {
        // The template writes earlier turns in another way than last ones: find the place of the words alone.
        const marked = render(
          messages.map((one, at) => (at === i ? { ...one, content: MARK } : one)),
          false,
        );
        start = marked.indexOf(MARK);
        const tail = marked.slice(start + MARK.length);
        end = full.length - tail.length;
        if (start < cursor || end < start || !full.startsWith(marked.slice(0, start)) || !full.endsWith(tail))
          throw new EspalierError(
            "TEMPLATE_HIDES_TURN",
            `The chat template does not show the assistant's turn ${i + 1} as it is written.`,
            {
              field: "chat_template",
              value: message.content.slice(0, 80),
              hint: "Use a base model with another template, or a dataset of prompt and completion.",
            },
          );
        if (eos !== "" && full.startsWith(eos, end)) end += eos.length;
      }
      spans.push([start, end]);
      cursor = end;
    });
    return spans;
  }

  /** Whether each token lies within one of the spans (of characters of `text`). */
  function within(ids: readonly number[], text: string, spans: readonly [number, number][]): boolean[] {
    for (const written of [text, text.normalize("NFC")]) {
      const places = byteSpans(tokenizer, ids, written);
      if (!places) continue;
      const bytesTo = (at: number): number => {
        const head = text.slice(0, at);
        return Buffer.byteLength(written === text ? head : head.normalize("NFC"));
      };
      const wanted = spans.map(([start, end]) => [bytesTo(start), bytesTo(end)] as const);
      return places.map(
        ([start, end]) => end > start && wanted.some(([from, to]) => from <= start && end <= to),
      );
    }
    throw new EspalierError(
      "TOKENS_NOT_IN_TEXT",
      "The tokenizer rewrites this row, so its tokens cannot be told apart in it.",
      { field: "tokenizer", hint: "The training is not affected; only this view of the row is." },
    );
  }

  const row = (text: string, ids: number[], isTarget: boolean[]): RenderedRow => ({
    text,
    ids,
    isTarget,
    pieces: ids.map((id) => decode([id], { keepSpecial: true })),
  });

  return {
    encode,
    decode,
    eosIds,
    tokens(vocabSize) {
      // Byte-level vocabularies write each byte as a character of its own; the others write spaces as U+2581.
      const isByteLevel = JSON.stringify([
        files.tokenizerJson.decoder,
        files.tokenizerJson.pre_tokenizer,
      ]).includes('"ByteLevel"');
      table ??= tokenTable(
        Array.from({ length: vocabSize }, (_, id) => bytesOfToken(tokenizer, id, isByteLevel)),
      );
      return table;
    },
    encodeChat: (messages, addGenerationPrompt) =>
      encode(chatTemplate().render(messages, addGenerationPrompt)),
    renderRow(messages, addGenerationPrompt) {
      const text = chatTemplate().render(messages, addGenerationPrompt);
      const ids = encode(text);
      return row(text, ids, within(ids, text, targetSpans(messages, text)));
    },
    renderPair(prompt, completion) {
      // Apart from each other, because at inference the prompt is tokenized alone.
      const head = encode(prompt, { withSpecial: true });
      if (eosId !== undefined && eosToken !== bosToken && head.at(-1) === eosId) head.pop();
      const tail = [...encode(completion), ...(eosId === undefined ? [] : [eosId])];
      return row(
        prompt + completion,
        [...head, ...tail],
        [...head.map(() => false), ...tail.map(() => true)],
      );
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
