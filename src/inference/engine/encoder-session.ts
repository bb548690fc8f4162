// An encoder's graph, opened and run by either way to ONNX Runtime.
import { messageOf } from "../../kit/errors.ts";
import { type EngineRuntime, SESSION_CONFIG } from "./decoder.ts";
import { ENCODER } from "./encoder-graph.ts";
import { openOrt } from "./ort.ts";

/** Texts of one run, padded to the longest. */
export type EncoderBatch = {
  texts: number;
  /** Tokens of the longest. */
  width: number;
  /** [texts, width] */
  ids: BigInt64Array;
  /** [texts] */
  lengths: Int32Array;
};

export type EncoderSession = {
  readonly runtime: "c-api" | "node";
  /** Vectors [texts, dimensions]. */
  run(batch: EncoderBatch): Promise<Float32Array>;
};

/** What the graph is fed beside the ids and lengths. */
function derived({ texts, width, lengths }: EncoderBatch): { positions: BigInt64Array; mask: Float32Array } {
  const mask = new Float32Array(texts * width);
  lengths.forEach((length, text) => {
    mask.fill(1, text * width, text * width + length);
  });
  return { positions: BigInt64Array.from({ length: width }, (_, i) => BigInt(i)), mask };
}

/** Opens the graph at `path`. `log` is told when the C API was not usable. */
export async function openEncoderSession(
  path: string,
  options: { dimensions: number; threads: number; runtime: EngineRuntime; log: (line: string) => void },
): Promise<EncoderSession> {
  if (options.runtime === "auto")
    try {
      return openByOrt(path, options);
    } catch (error) {
      options.log(`ONNX Runtime's C API is not usable, onnxruntime-node serves instead: ${messageOf(error)}`);
    }
  return openByNode(path, options.threads);
}

function openByOrt(
  path: string,
  { dimensions, threads }: { dimensions: number; threads: number },
): EncoderSession {
  const ort = openOrt();
  const session = ort.openSession(path, threads, SESSION_CONFIG);
  return {
    runtime: "c-api",
    async run(batch) {
      const { texts, width, ids, lengths } = batch;
      const { positions, mask } = derived(batch);
      const vectors = new Float32Array(texts * dimensions);
      const inputs = new Map([
        [ENCODER.ids, ort.tensor(ids, [texts, width])],
        [ENCODER.positions, ort.tensor(positions, [width])],
        [ENCODER.lengths, ort.tensor(lengths, [texts])],
        [ENCODER.mask, ort.tensor(mask, [texts, width, 1])],
      ] as const);
      const output = ort.tensor(vectors, [texts, dimensions]);
      try {
        session.run(inputs, new Map([[ENCODER.vectors, output]]));
      } finally {
        for (const tensor of [...inputs.values(), output]) tensor.close();
      }
      return vectors;
    },
  };
}

async function openByNode(path: string, threads: number): Promise<EncoderSession> {
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const session = await InferenceSession.create(path, {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    extra: SESSION_CONFIG,
  });
  return {
    runtime: "node",
    async run(batch) {
      const { texts, width, ids, lengths } = batch;
      const { positions, mask } = derived(batch);
      const outputs = await session.run({
        [ENCODER.ids]: new Tensor("int64", ids, [texts, width]),
        [ENCODER.positions]: new Tensor("int64", positions, [width]),
        [ENCODER.lengths]: new Tensor("int32", lengths, [texts]),
        [ENCODER.mask]: new Tensor("float32", mask, [texts, width, 1]),
      });
      const vectors = outputs[ENCODER.vectors]?.data;
      if (!(vectors instanceof Float32Array)) throw new Error("the graph gave no vectors");
      return vectors;
    },
  };
}
