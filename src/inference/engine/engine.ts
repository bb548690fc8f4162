// One loaded base model with its adapters: what the child's questions come to.
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
import { Constraint, type TokenMasks, type TokenTable } from "./constraint.ts";
import { type Conversation, Conversations } from "./conversations.ts";
import { type Adapter, type Decoder, type EngineRuntime, tokenBytes } from "./decoder.ts";
import { MaskCache } from "./mask-cache.ts";
import { openDecoder } from "./open-decoder.ts";
import { createSampler } from "./sampler.ts";
import { StepQueue } from "./step-queue.ts";
import { createModelText, type ModelText, TextStream } from "./text.ts";

/** Tokens of one prefill step: cancel is looked at, and other chats take their turn, between steps. */
const PREFILL_CHUNK = 128;

export type EngineOptions = {
  source: WeightsSource;
  precision: Precision;
  cacheDir: string;
  threads: number;
  runtime: EngineRuntime;
  /** Told when something runs other than it should. */
  log: (line: string) => void;
  /** Bytes of conversations that need no leave. */
  roomBytes: number;
  /** Asks the parent for leave to hold so many bytes of conversations. Throws where the budget forbids it. */
  askRoom: (bytes: number) => Promise<void>;
};

type Loaded = { built: BuiltModel; decoder: Decoder; queue: StepQueue; conversations: Conversations };
type KnownAdapter = { adapter: Promise<Adapter>; users: number };

export class Engine {
  private loaded: Promise<Loaded> | undefined;
  private graph: { takesAdapters: boolean; opening: Promise<void> } | undefined;
  private text: Promise<ModelText> | undefined;
  /** In order of last use. */
  private readonly adapters = new Map<string, KnownAdapter>();
  private zeros: Adapter | null = null;
  private readonly masks = new MaskCache();
  private active = 0;
  /** Bytes of conversations that the parent knows of. */
  private room: number;
  /** The last reply that asks for room. */
  private asking: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: EngineOptions) {
    this.room = options.roomBytes;
  }

  /** Tokenizer and template, read once; needs no weights. */
  modelText(): Promise<ModelText> {
    this.text ??= (async () => {
      const { path } = this.options.source;
      const [files, description] = [await readTokenizer(path), await readModelConfig(path)];
      return createModelText(files, description.eosTokenIds);
    })();
    return this.text;
  }

  /** Builds the engine's files where needed and opens the graph. */
  async load(withAdapters = false): Promise<Loaded> {
    this.loaded ??= this.build();
    this.loaded.catch(() => {
      this.loaded = undefined;
    });
    const loaded = await this.loaded;
    if (!this.graph || (withAdapters && !this.graph.takesAdapters)) {
      const opening = loaded.queue.change(() => this.openGraph(loaded, withAdapters));
      const graph = { takesAdapters: withAdapters, opening };
      this.graph = graph;
      opening.catch(() => {
        if (this.graph === graph) this.graph = undefined;
      });
    }
    await this.graph.opening;
    return loaded;
  }

  private async build(): Promise<Loaded> {
    const { source, precision, cacheDir, threads, runtime, log } = this.options;
    const built = await buildModel(source, precision, cacheDir);
    const { contextTokens, description } = built;
    const decoder = await openDecoder({ ...description, contextTokens, threads }, runtime, log);
    const queue = new StepQueue(decoder, () => this.zeros);
    const conversations = new Conversations((from, to, tokens) => decoder.copy(from, to, tokens));
    return { built, decoder, queue, conversations };
  }

  /** The first adapter swaps the plain graph for the one that takes adapters; the conversations stay. */
  private async openGraph({ built, decoder }: Loaded, takesAdapters: boolean): Promise<void> {
    await decoder.openGraph(takesAdapters ? built.loraPath : built.basePath, takesAdapters);
    this.zeros = takesAdapters ? { inputs: emptyAdapter(built.description) } : null;
  }

  private adapterOf(source: AdapterSource, { built, decoder }: Loaded): KnownAdapter {
    const { hash } = source;
    const found = this.adapters.get(hash);
    if (found) {
      this.adapters.delete(hash);
      this.adapters.set(hash, found);
      return found;
    }
    for (const [key, { adapter, users }] of this.adapters) {
      if (this.adapters.size < limits.engineAdapters) break;
      if (users > 0) continue;
      this.adapters.delete(key);
      void adapter.then((one) => decoder.dropAdapter(one));
    }
    const adapter = loadAdapter(source.path, built.description).then((inputs) => ({ inputs }));
    const known = { adapter, users: 0 };
    this.adapters.set(hash, known);
    adapter.catch(() => this.adapters.delete(hash));
    return known;
  }

  /** Runs `work` with the model, and with the adapter if one is asked for. */
  private async using<T>(
    source: AdapterSource | undefined,
    work: (loaded: Loaded, adapter: Adapter | null) => Promise<T>,
  ): Promise<T> {
    const loaded = await this.load(source !== undefined);
    const known = source ? this.adapterOf(source, loaded) : null;
    this.active++;
    if (known) known.users++;
    try {
      return await work(loaded, known ? await known.adapter : null);
    } finally {
      this.active--;
      if (known) known.users--;
    }
  }

  /** Feeds `ids` to the conversation in pieces. `onLogits` gets those of each piece at once: they are soon written over. */
  private async feed(
    loaded: Loaded,
    conversation: Conversation,
    ids: readonly number[],
    adapter: Adapter | null,
    onLogits: (logits: Float32Array) => void,
    options: { wanted?: "last" | "all"; signal?: AbortSignal } = {},
  ): Promise<void> {
    const { queue } = loaded;
    const { slot } = conversation;
    const { wanted = "last", signal } = options;
    for (let at = 0; at < ids.length && !signal?.aborted; at += PREFILL_CHUNK) {
      const part = ids.slice(at, at + PREFILL_CHUNK);
      await this.makeRoom(loaded, part.length);
      const past = conversation.ids.length;
      const isToken = part.length === 1 && wanted === "last" && past > 0;
      const logits = isToken
        ? await queue.decode({ slot, past, id: part[0] ?? 0 }, adapter)
        : await queue.prefill({ slot, past, ids: part, wanted }, adapter);
      conversation.ids.push(...part);
      onLogits(logits);
    }
  }

  /**
   * Asks for memory before it is taken; where it is refused, finished conversations are forgotten first. Replies ask
   * one after another: of several that grow together each would else be refused for what the others hold.
   */
  private makeRoom(loaded: Loaded, tokens: number): Promise<void> {
    if (loaded.decoder.cacheBytes() + tokens * tokenBytes(loaded.built.description) <= this.room)
      return Promise.resolve();
    const turn = this.asking.then(() => this.askForRoom(loaded, tokens));
    this.asking = turn.catch(() => undefined);
    return turn;
  }

  private async askForRoom({ decoder, built, conversations }: Loaded, tokens: number): Promise<void> {
    const perToken = tokenBytes(built.description);
    const wanted = (): number => decoder.cacheBytes() + tokens * perToken;
    if (wanted() <= this.room) return;
    const ask = async (): Promise<void> => {
      const bytes = wanted() + limits.engineRoomTokens * perToken;
      await this.options.askRoom(bytes);
      this.room = Math.max(this.room, bytes);
    };
    try {
      await ask();
    } catch {
      decoder.settle(conversations.forgetIdle(), true);
      if (wanted() > this.room) await ask();
    }
  }

  /** Logits [ids.length, vocab] of a whole sequence, for agreement checks. */
  async logits(
    ids: readonly number[],
    source?: AdapterSource,
  ): Promise<{ logits: Float32Array; vocabSize: number }> {
    return this.using(source, async (loaded, adapter) => {
      const { vocabSize } = loaded.built.description;
      checkLength(loaded.built, ids.length);
      const logits = new Float32Array(ids.length * vocabSize);
      let at = 0;
      const put = (part: Float32Array): void => {
        logits.set(part, at);
        at += part.length;
      };
      // No reply may continue from here, so nothing of it is kept, and it begins with nothing.
      const conversation = await loaded.conversations.take([], "");
      try {
        await this.feed(loaded, conversation, ids, adapter, put, { wanted: "all" });
      } finally {
        conversation.ids.length = 0;
        this.release(loaded, conversation);
      }
      return { logits, vocabSize };
    });
  }

  private release({ conversations, decoder, built }: Loaded, conversation: Conversation): void {
    decoder.settle(conversations.release(conversation), false);
    const needed = decoder.cacheBytes() + limits.engineRoomTokens * tokenBytes(built.description);
    if (needed >= this.room || this.room <= this.options.roomBytes) return;
    // Less is never refused, so nobody needs to wait for the answer.
    this.room = Math.max(needed, this.options.roomBytes);
    void this.options.askRoom(this.room);
  }

  /** Answers a request; `emit` gets start, deltas and one end. Cancel is looked at between steps. */
  async generate(
    request: GenerationRequest,
    source: AdapterSource | undefined,
    signal: AbortSignal,
    emit: (event: GenerationEvent) => void,
  ): Promise<void> {
    const text = await this.modelText();
    const masks = request.format ? this.masks.prepare(request.format.schema) : null;
    const prompt = request.messages
      ? text.encodeChat(request.messages, true)
      : text.encode(request.prompt ?? "", { withSpecial: true });
    if (prompt.length === 0)
      throw new EspalierError("PROMPT_EMPTY", "The prompt has no tokens.", { field: "messages" });
    await this.using(source, async (loaded, adapter) => {
      checkLength(loaded.built, prompt.length, request.leaveTokens);
      emit({ type: "start", promptTokens: prompt.length });
      const conversation = await loaded.conversations.take(prompt, source?.hash ?? "");
      try {
        await this.reply(loaded, conversation, { prompt, request, masks, adapter, text, signal, emit });
      } finally {
        this.release(loaded, conversation);
      }
    });
  }

  private async reply(
    loaded: Loaded,
    conversation: Conversation,
    {
      prompt,
      request,
      masks,
      adapter,
      text,
      signal,
      emit,
    }: {
      prompt: readonly number[];
      request: GenerationRequest;
      masks: ((tokens: TokenTable) => TokenMasks) | null;
      adapter: Adapter | null;
      text: ModelText;
      signal: AbortSignal;
      emit: (event: GenerationEvent) => void;
    },
  ): Promise<void> {
    const { contextTokens } = loaded.built;
    const most = Math.min(request.maxTokens ?? contextTokens, contextTokens - prompt.length);
    const pick = createSampler({
      temperature: request.temperature ?? 0.7,
      topP: request.topP ?? 1,
      topK: request.topK ?? 0,
      seed: request.seed ?? 0,
    });
    const constraint = masks
      ? new Constraint(masks(text.tokens(loaded.built.description.vocabSize)), text.eosIds)
      : null;
    const stream = new TextStream(text, request.stop ?? []);
    const cachedTokens = conversation.ids.length;
    const startedAt = monotonicMs();
    let next: number | undefined;
    const sample = (logits: Float32Array): void => {
      // Only the whole prompt's last position and each token after it have a successor to choose.
      if (conversation.ids.length >= prompt.length && most > 0)
        next = constraint ? constraint.pick(logits, pick) : pick(logits);
    };
    await this.feed(loaded, conversation, prompt.slice(cachedTokens), adapter, sample, { signal });
    const firstAt = monotonicMs();
    let made = 0;
    let reason: "stop" | "length" | "cancelled" = signal.aborted ? "cancelled" : "length";
    while (next !== undefined && made < most && !signal.aborted) {
      const id = next;
      made++;
      if (text.eosIds.has(id)) {
        reason = "stop";
        break;
      }
      const delta = stream.push(id);
      if (delta) emit({ type: "delta", text: delta });
      constraint?.accept(id);
      if (stream.isStopped || constraint?.isOver) {
        reason = "stop";
        break;
      }
      if (made === most) break;
      await this.feed(loaded, conversation, [id], adapter, sample, { signal });
      if (signal.aborted) reason = "cancelled";
    }
    const rest = stream.flush();
    if (rest) emit({ type: "delta", text: rest });
    const decodeSeconds = (monotonicMs() - firstAt) / 1000;
    emit({
      type: "end",
      finishReason: reason,
      usage: { promptTokens: prompt.length, completionTokens: made, cachedTokens },
      firstTokenMs: firstAt - startedAt,
      tokensPerSecond: made > 1 && decodeSeconds > 0 ? (made - 1) / decodeSeconds : 0,
    });
  }

  async stats(): Promise<EngineStats> {
    const loaded = await this.loaded?.catch(() => undefined);
    return {
      rssBytes: process.memoryUsage.rss(),
      isLoaded: loaded !== undefined && this.graph !== undefined,
      contextTokens: loaded?.built.contextTokens ?? 0,
      dataBytes: loaded?.built.dataBytes ?? 0,
      cacheBytes: loaded?.decoder.cacheBytes() ?? 0,
      runtime: loaded?.decoder.runtime ?? null,
      adapters: this.adapters.size,
      activeRequests: this.active,
    };
  }
}

function checkLength({ contextTokens }: BuiltModel, tokens: number, leave = 0): void {
  if (tokens + leave >= contextTokens)
    throw new EspalierError(
      "CONTEXT_TOO_LONG",
      `The conversation has ${tokens} tokens; this model holds ${contextTokens}.`,
      { field: "messages", value: String(tokens), hint: "Shorten the conversation or the system prompt." },
    );
}
