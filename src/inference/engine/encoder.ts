// One loaded embedder: texts to tokens to vectors, in batches of equal length; questions go before bulk work.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { countOf, openTokenizer } from "../token-counter.ts";
import type { EngineRuntime } from "./decoder.ts";
import { type EncoderBatch, type EncoderSession, openEncoderSession } from "./encoder-session.ts";

/** Files of an embedder's folder, as encoder-build.ts writes them. */
export const ENCODER_FILES = {
  description: "encoder.json",
  graph: "encoder.onnx",
  data: "encoder.data",
  tokenizer: "tokenizer.json",
  tokenizerConfig: "tokenizer_config.json",
} as const;

const descriptionSchema = z.object({ dimensions: z.int().positive(), maxTokens: z.int().positive() });
/** `maxTokens` counts the two marks around a text. */
export type EncoderDescription = z.infer<typeof descriptionSchema>;

/** Texts that are tokenized before other messages get a look in. */
const TEXTS_A_TURN = 32;
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export type EncoderOptions = {
  folder: string;
  threads: number;
  runtime: EngineRuntime;
  log: (line: string) => void;
};

export class Encoder {
  private readonly urgent: (() => void)[] = [];
  private readonly bulk: (() => void)[] = [];
  private isBusy = false;

  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly session: EncoderSession,
    private readonly description: EncoderDescription,
  ) {}

  /** Reads the folder and opens its graph. */
  static async open({ folder, ...options }: EncoderOptions): Promise<Encoder> {
    const description = descriptionSchema.parse(
      JSON.parse(await readFile(join(folder, ENCODER_FILES.description), "utf8")),
    );
    const tokenizer = await openTokenizer(folder);
    const { dimensions } = description;
    const session = await openEncoderSession(join(folder, ENCODER_FILES.graph), { dimensions, ...options });
    return new Encoder(tokenizer, session, description);
  }

  /** Tokens of each text without the marks around it, uncut. */
  countTokens(texts: readonly string[]): Promise<number[]> {
    return this.each(texts, (text) => countOf(this.tokenizer, text));
  }

  /**
   * Vectors [texts.length, dimensions], each of length 1; what of a text is beyond the model's length is not seen.
   * @throws EspalierError CANCELLED
   */
  async embed(texts: readonly string[], isUrgent: boolean, signal: AbortSignal): Promise<Float32Array> {
    const rows = await this.each(texts, (text) => this.idsOf(text));
    const { dimensions } = this.description;
    const vectors = new Float32Array(texts.length * dimensions);
    for (const places of batchesOf(rows)) {
      const made = await this.inTurn(isUrgent, () => {
        if (signal.aborted) throw new EspalierError("CANCELLED", "The texts are no longer wanted.");
        return this.session.run(batchOf(places.map((place) => rows[place] ?? [])));
      });
      places.forEach((place, i) => {
        vectors.set(made.subarray(i * dimensions, (i + 1) * dimensions), place * dimensions);
      });
    }
    return vectors;
  }

  private idsOf(text: string): number[] {
    const { ids } = this.tokenizer.encode(text.slice(0, limits.embedTextChars));
    const { maxTokens } = this.description;
    const [end = 0] = ids.slice(-1);
    return ids.length > maxTokens ? [...ids.slice(0, maxTokens - 1), end] : ids;
  }

  private async each<T>(texts: readonly string[], work: (text: string) => T): Promise<T[]> {
    const done: T[] = [];
    for (const text of texts) {
      if (done.length % TEXTS_A_TURN === TEXTS_A_TURN - 1) await breathe();
      done.push(work(text));
    }
    return done;
  }

  /** One run at a time; whoever is urgent goes before all that is not. */
  private async inTurn<T>(isUrgent: boolean, work: () => Promise<T>): Promise<T> {
    if (this.isBusy) await new Promise<void>((resolve) => (isUrgent ? this.urgent : this.bulk).push(resolve));
    this.isBusy = true;
    try {
      return await work();
    } finally {
      // A run holds this thread: messages that came meanwhile are read before the next is chosen.
      await breathe();
      const next = this.urgent.shift() ?? this.bulk.shift();
      if (next) next();
      else this.isBusy = false;
    }
  }
}

/** Places of the rows in batches of equal length, each within the limit of tokens: nothing is padded. */
function batchesOf(rows: readonly (readonly number[])[]): number[][] {
  const byLength = Map.groupBy(rows.keys(), (place) => rows[place]?.length ?? 0);
  return [...byLength].flatMap(([length, places]) => {
    const each = Math.max(1, Math.floor(limits.embedBatchTokens / length));
    return Array.from({ length: Math.ceil(places.length / each) }, (_, at) =>
      places.slice(at * each, (at + 1) * each),
    );
  });
}

function batchOf(rows: readonly (readonly number[])[]): EncoderBatch {
  return {
    texts: rows.length,
    width: rows[0]?.length ?? 0,
    ids: BigInt64Array.from(rows.flat(), (id) => BigInt(id)),
  };
}
