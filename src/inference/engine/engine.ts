// One loaded base model with its adapters: prefill, decode, sampling, stop rules and prefix reuse.
import { monotonicMs } from "../../kit/clock.ts";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import type {
  AdapterSource,
  EngineStats,
  GenerationEvent,
  GenerationRequest,
  Precision,
  WeightsSource,
} from "../protocol.ts";
import { readModelConfig, readTokenizer } from "../weights/weights.ts";
import { emptyAdapter, loadAdapter } from "./adapter.ts";
import { type BuiltModel, buildModel } from "./build.ts";
import { cacheNames } from "./graph.ts";
import { createRuntime, type Feeds, type Runtime, type RuntimeSession } from "./runtime.ts";
import { createSampler } from "./sampler.ts";
import { createModelText, type ModelText, TextStream } from "./text.ts";

/** Tokens of one prefill step: cancel is looked at between steps. */
const PREFILL_CHUNK = 128;
/** Steps between collections: each step leaves a whole cache behind in native memory. */
const COLLECT_EVERY = 64;

export type EngineOptions = {
  source: WeightsSource;
  precision: Precision;
  cacheDir: string;
  threads: number;
};

type Open = { session: RuntimeSession; takesAdapters: boolean; users: number; isRetired: boolean };
type Sequence = { ids: number[]; past: Feeds; adapterHash: string };

export class Engine {
  private built: BuiltModel | undefined;
  private runtime: Runtime | undefined;
  private open: Promise<Open> | undefined;
  private text: Promise<ModelText> | undefined;
  private readonly adapters = new Map<string, Promise<Feeds>>();
  private kept: Sequence[] = [];
  private active = 0;

  constructor(private readonly options: EngineOptions) {}

  /** Tokenizer and template, read once; needs no weights. */
  modelText(): Promise<ModelText> {
    this.text ??= (async () => {
      const { path } = this.options.source;
      const [files, description] = [await readTokenizer(path), await readModelConfig(path)];
      return createModelText(files, description.eosTokenIds);
    })();
    return this.text;
  }

  /** Builds the engine's files where needed and opens the session. */
  async load(withAdapters = false): Promise<void> {
    await this.session(withAdapters);
  }

  /** The session; the first adapter swaps the plain graph for the one that takes adapters. */
  private async session(withAdapters: boolean): Promise<Open> {
    const awaited = this.open;
    const current = await awaited;
    // Another request may have swapped the graph meanwhile.
    if (this.open !== awaited) return this.session(withAdapters);
    if (current && (current.takesAdapters || !withAdapters)) return current;
    const opening = this.openSession(withAdapters, current);
    this.open = opening;
    opening.catch(() => {
      if (this.open === opening) this.open = undefined;
    });
    return opening;
  }

  private async openSession(takesAdapters: boolean, old: Open | undefined): Promise<Open> {
    const { source, precision, cacheDir, threads } = this.options;
    this.built ??= await buildModel(source, precision, cacheDir);
    this.runtime ??= await createRuntime(threads);
    if (old) {
      old.isRetired = true;
      if (old.users === 0) await old.session.close();
    }
    const session = await this.runtime.openSession(takesAdapters ? this.built.loraPath : this.built.basePath);
    return { session, takesAdapters, users: 0, isRetired: false };
  }

  private async adapterFeeds(adapter: AdapterSource | undefined): Promise<Feeds> {
    const key = adapter?.hash ?? "";
    const found = this.adapters.get(key);
    if (found) {
      // Re-inserting keeps the map in order of last use.
      this.adapters.delete(key);
      this.adapters.set(key, found);
      return found;
    }
    const oldest = this.adapters.keys().next();
    if (this.adapters.size >= limits.engineAdapters && !oldest.done) this.adapters.delete(oldest.value);
    const { runtime, built } = this.ready();
    const loading = (async () => {
      const inputs = adapter
        ? await loadAdapter(adapter.path, built.description)
        : emptyAdapter(built.description);
      return Object.fromEntries(
        inputs.map(({ name, dims, values }) => [name, runtime.float32(values, dims)]),
      );
    })();
    this.adapters.set(key, loading);
    loading.catch(() => this.adapters.delete(key));
    return loading;
  }

  private ready(): { runtime: Runtime; built: BuiltModel } {
    if (!this.runtime || !this.built) throw new Error("the engine is not loaded");
    return { runtime: this.runtime, built: this.built };
  }

  private emptyPast(): Feeds {
    const { runtime, built } = this.ready();
    const { layers, kvHeads, headDim } = built.description;
    const past: Feeds = {};
    for (let layer = 0; layer < layers; layer++) {
      const names = cacheNames(layer);
      past[names.pastKey] = runtime.float32(new Float32Array(0), [1, kvHeads, 0, headDim]);
      past[names.pastValue] = runtime.float32(new Float32Array(0), [1, kvHeads, 0, headDim]);
    }
    return past;
  }

  /** Feeds `ids` after the sequence; returns logits of the last position, or of all. The sequence grows. */
  private async step(open: Open, sequence: Sequence, ids: readonly number[], adapter: Feeds, all = false) {
    const { runtime, built } = this.ready();
    const total = sequence.ids.length + ids.length;
    const wanted = all ? ids.map((_, i) => i) : [ids.length - 1];
    const outputs = await open.session.run({
      input_ids: runtime.int64(ids, [1, ids.length]),
      seqlens_k: runtime.int32([total - 1], [1]),
      total_sequence_length: runtime.int32([total], []),
      logit_positions: runtime.int64(wanted, [wanted.length]),
      ...sequence.past,
      ...adapter,
    });
    const past: Feeds = {};
    for (let layer = 0; layer < built.description.layers; layer++) {
      const names = cacheNames(layer);
      past[names.pastKey] = outputs[names.presentKey]!;
      past[names.pastValue] = outputs[names.presentValue]!;
    }
    sequence.past = past;
    sequence.ids.push(...ids);
    const logits = outputs.logits?.data;
    if (!(logits instanceof Float32Array)) throw new Error("the graph gave no float32 logits");
    return logits;
  }

  /** Runs `work` with a session that stays open meanwhile. */
  private async withSession<T>(
    adapter: AdapterSource | undefined,
    work: (open: Open, feeds: Feeds) => Promise<T>,
  ): Promise<T> {
    const open = await this.session(adapter !== undefined);
    open.users++;
    this.active++;
    try {
      return await work(open, open.takesAdapters ? await this.adapterFeeds(adapter) : {});
    } finally {
      open.users--;
      this.active--;
      if (open.isRetired && open.users === 0) await open.session.close();
    }
  }

  /** Logits [ids.length, vocab] of a whole sequence, for agreement checks. */
  async logits(
    ids: readonly number[],
    adapter?: AdapterSource,
  ): Promise<{ logits: Float32Array; vocabSize: number }> {
    return this.withSession(adapter, async (open, feeds) => {
      const { built } = this.ready();
      this.checkLength(ids.length);
      const sequence: Sequence = { ids: [], past: this.emptyPast(), adapterHash: "" };
      const logits = await this.step(open, sequence, ids, feeds, true);
      return { logits, vocabSize: built.description.vocabSize };
    });
  }

  private checkLength(tokens: number): void {
    const { contextTokens } = this.ready().built;
    if (tokens >= contextTokens)
      throw new EspalierError(
        "CONTEXT_TOO_LONG",
        `The conversation has ${tokens} tokens; this model holds ${contextTokens}.`,
        { field: "messages", value: String(tokens), hint: "Shorten the conversation or the system prompt." },
      );
  }

  /** Takes the kept conversation that `ids` continues, or starts a fresh one. */
  private takeSequence(ids: readonly number[], adapterHash: string): Sequence {
    let best: Sequence | undefined;
    for (const kept of this.kept)
      if (
        kept.adapterHash === adapterHash &&
        kept.ids.length < ids.length &&
        kept.ids.length > (best?.ids.length ?? 0) &&
        kept.ids.every((id, i) => id === ids[i])
      )
        best = kept;
    // The copy leaves the kept one whole: its tensors are never written to.
    if (best) return { ...best, ids: [...best.ids] };
    return { ids: [], past: this.emptyPast(), adapterHash };
  }

  /** Answers a request; `emit` gets start, deltas and one end. Cancel is looked at between steps. */
  async generate(
    request: GenerationRequest,
    adapter: AdapterSource | undefined,
    signal: AbortSignal,
    emit: (event: GenerationEvent) => void,
    aroundTemplate: (isRunning: boolean) => Promise<void>,
  ): Promise<void> {
    const text = await this.modelText();
    await aroundTemplate(true);
    const prompt = request.messages
      ? text.encodeChat(request.messages, true)
      : text.encode(request.prompt ?? "", { withSpecial: true });
    await aroundTemplate(false);
    if (prompt.length === 0)
      throw new EspalierError("PROMPT_EMPTY", "The prompt has no tokens.", { field: "messages" });
    await this.withSession(adapter, async (open, feeds) => {
      this.checkLength(prompt.length);
      const { contextTokens } = this.ready().built;
      const most = Math.min(request.maxTokens ?? contextTokens, contextTokens - prompt.length);
      const sample = createSampler({
        temperature: request.temperature ?? 0.7,
        topP: request.topP ?? 1,
        topK: request.topK ?? 0,
        seed: request.seed ?? 0,
      });
      const stream = new TextStream(text, request.stop ?? []);
      emit({ type: "start", promptTokens: prompt.length });
      const startedAt = monotonicMs();
      const sequence = this.takeSequence(prompt, adapter?.hash ?? "");
      const cachedTokens = sequence.ids.length;
      let logits: Float32Array | undefined;
      while (sequence.ids.length < prompt.length && !signal.aborted) {
        const at = sequence.ids.length;
        logits = await this.step(open, sequence, prompt.slice(at, at + PREFILL_CHUNK), feeds);
        await breathe();
      }
      const firstAt = monotonicMs();
      let made = 0;
      let reason: "stop" | "length" | "cancelled" = signal.aborted ? "cancelled" : "length";
      while (logits && made < most && !signal.aborted) {
        const id = sample(logits);
        made++;
        if (text.eosIds.has(id)) {
          reason = "stop";
          break;
        }
        const delta = stream.push(id);
        if (delta) emit({ type: "delta", text: delta });
        if (stream.isStopped) {
          reason = "stop";
          break;
        }
        if (made === most) break;
        logits = await this.step(open, sequence, [id], feeds);
        if (made % COLLECT_EVERY === 0) Bun.gc(false);
        await breathe();
        if (signal.aborted) reason = "cancelled";
      }
      const rest = stream.flush();
      if (rest) emit({ type: "delta", text: rest });
      const decodeSeconds = (monotonicMs() - firstAt) / 1000;
      this.keep(sequence);
      emit({
        type: "end",
        finishReason: reason,
        usage: { promptTokens: prompt.length, completionTokens: made, cachedTokens },
        firstTokenMs: firstAt - startedAt,
        tokensPerSecond: made > 1 && decodeSeconds > 0 ? (made - 1) / decodeSeconds : 0,
      });
    });
  }

  /** Keeps a conversation for its next turn, in place of the turn that it grew from. */
  private keep(sequence: Sequence): void {
    const isPrefix = (old: Sequence): boolean =>
      old.adapterHash === sequence.adapterHash &&
      old.ids.length <= sequence.ids.length &&
      old.ids.every((id, i) => id === sequence.ids[i]);
    let tokens = sequence.ids.length;
    if (tokens > limits.engineKeptTokens) return;
    const next = [sequence];
    for (const old of this.kept) {
      tokens += old.ids.length;
      if (!isPrefix(old) && tokens <= limits.engineKeptTokens) next.push(old);
    }
    this.kept = next;
    // The caches of past steps are native memory, which the collector does not feel by itself.
    Bun.gc(false);
  }

  async stats(): Promise<EngineStats> {
    return {
      rssBytes: process.memoryUsage.rss(),
      isLoaded: (await this.open?.catch(() => undefined)) !== undefined,
      contextTokens: this.built?.contextTokens ?? 0,
      dataBytes: this.built?.dataBytes ?? 0,
      adapters: [...this.adapters.keys()].filter((hash) => hash !== "").length,
      activeRequests: this.active,
    };
  }
}

/** Lets messages in (a cancel among them) and other replies take their turn. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
