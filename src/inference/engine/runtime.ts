// The only importer of ONNX Runtime: sessions, tensors and one synchronous-looking run, telemetry off.
import type { InferenceSession, Tensor } from "onnxruntime-node";

type Ort = typeof import("onnxruntime-node");
let loaded: Promise<Ort> | undefined;

/** Loads ONNX Runtime once. The process must have been started with ORT_DISABLE_TELEMETRY=1. */
function loadRuntime(): Promise<Ort> {
  loaded ??= import("onnxruntime-node");
  return loaded;
}

export type RuntimeTensor = Tensor;
export type Feeds = Record<string, RuntimeTensor>;

export type RuntimeSession = {
  run(feeds: Feeds, wanted?: readonly string[]): Promise<Feeds>;
  close(): Promise<void>;
};

export type Runtime = {
  openSession(modelPath: string): Promise<RuntimeSession>;
  float32(data: Float32Array, dims: readonly number[]): RuntimeTensor;
  int64(data: readonly number[], dims: readonly number[]): RuntimeTensor;
  int32(data: readonly number[], dims: readonly number[]): RuntimeTensor;
};

/** ONNX Runtime on the CPU with `threads` intra-op threads. */
export async function createRuntime(threads: number): Promise<Runtime> {
  const ort = await loadRuntime();
  return {
    async openSession(modelPath) {
      const options: InferenceSession.SessionOptions = {
        executionProviders: ["cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        // Threads spin for a moment between the parts of a run (a quarter faster decode on a free machine) and stop
        // at its end. The moment is short: unlimited spinning made decode 3 times slower beside a training.
        extra: {
          session: {
            force_spinning_stop: "1",
            intra_op: { allow_spinning: "1", spin_duration_us: "20" },
          },
        },
      };
      const session = await ort.InferenceSession.create(modelPath, options);
      return {
        run: (feeds, wanted) => (wanted ? session.run(feeds, [...wanted]) : session.run(feeds)),
        close: () => session.release(),
      };
    },
    float32: (data, dims) => new ort.Tensor("float32", data, dims),
    int64: (data, dims) => new ort.Tensor("int64", BigInt64Array.from(data.map(BigInt)), dims),
    int32: (data, dims) => new ort.Tensor("int32", Int32Array.from(data), dims),
  };
}
