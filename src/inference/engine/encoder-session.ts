// An encoder's graph, opened and run by either way to ONNX Runtime.
import { messageOf } from "../../kit/errors.ts";
import { type EngineRuntime, SESSION_CONFIG } from "./decoder.ts";
import { ENCODER } from "./encoder-graph.ts";
import { openOrt } from "./ort.ts";

/** Texts of one run, all of the same number of tokens. */
export type EncoderBatch = {
  texts: number;
  /** Tokens of each. */
  width: number;
  /** [texts, width] */
  ids: BigInt64Array;
};

export type EncoderSession = {
  readonly runtime: "c-api" | "node";
  /** Vectors [texts, dimensions]. */
  run(batch: EncoderBatch): Promise<Float32Array>;
};

const positionsOf = ({ width }: EncoderBatch): BigInt64Array =>
  BigInt64Array.from({ length: width }, (_, i) => BigInt(i));

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
      const { texts, width, ids } = batch;
      const vectors = new Float32Array(texts * dimensions);
      const inputs = new Map([
        [ENCODER.ids, ort.tensor(ids, [texts, width])],
        [ENCODER.positions, ort.tensor(positionsOf(batch), [width])],
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
      const { texts, width, ids } = batch;
      const outputs = await session.run({
        [ENCODER.ids]: new Tensor("int64", ids, [texts, width]),
        [ENCODER.positions]: new Tensor("int64", positionsOf(batch), [width]),
      });
      const vectors = outputs[ENCODER.vectors]?.data;
      if (!(vectors instanceof Float32Array)) throw new Error("the graph gave no vectors");
      return vectors;
    },
  };
}
