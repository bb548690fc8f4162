// ONNX Runtime's C API through bun:ffi: sessions, and tensors over memory that JavaScript owns, with no copies.
import { CString, dlopen, linkSymbols, type Pointer, ptr, read } from "bun:ffi";
import { nativePath } from "../../kit/native.ts";

/** The release from whose header (onnxruntime_c_api.h, struct OrtApi) the places of the functions were read. */
const VERSION = "1.30.0";
/** The table only grows: the API of an older version has all places that are used here. */
const API_VERSION = 20;

const LOG_ERRORS_ONLY = 3;
const OPTIMISE_ALL = 99;
const DEVICE_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;
/** ONNXTensorElementDataType. */
const FLOAT32 = 1;
const INT32 = 6;
const INT64 = 7;

export type TensorData = Float32Array | Int32Array | BigInt64Array;

type Address = Pointer | bigint;

/** A tensor over the caller's memory, which runs read and write in place. `close` frees only the handle. */
export type OrtTensor = { readonly handle: bigint; close(): void };

export type OrtSession = {
  /** Runs the graph once on this thread. `outputs` are written in place and must have the right dimensions. */
  run(inputs: ReadonlyMap<string, OrtTensor>, outputs: ReadonlyMap<string, OrtTensor>): void;
  close(): void;
};

export type Ort = {
  /** Opens a model file with the external data beside it. `config` holds ONNX Runtime's session entries. */
  openSession(modelPath: string, threads: number, config: Readonly<Record<string, string>>): OrtSession;
  /** A tensor of `dims` over `data`, which must have that many elements and stay as long as the tensor. */
  tensor(data: TensorData, dims: readonly number[]): OrtTensor;
};

const zeroEnded = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);

function silenceTelemetry(): void {
  // The library reads it in C while it is loaded, where an assignment in JavaScript does not arrive.
  const libc = dlopen("libc.so.6", { setenv: { args: ["ptr", "ptr", "i32"], returns: "i32" } });
  if (libc.symbols.setenv(zeroEnded("ORT_DISABLE_TELEMETRY"), zeroEnded("1"), 1) !== 0)
    throw new Error("setenv failed: ONNX Runtime's telemetry cannot be switched off");
}

/** The functions of struct OrtApi that are used, by their place in it. Handles are u64; a status is null when all is well. */
function linkApi(table: Address) {
  const at = (place: number): bigint => read.u64(table, place * 8);
  const status = "ptr";
  return linkSymbols({
    getErrorMessage: { ptr: at(2), args: ["ptr"], returns: "ptr" },
    createEnv: { ptr: at(3), args: ["i32", "ptr", "ptr"], returns: status },
    disableTelemetryEvents: { ptr: at(6), args: ["u64"], returns: status },
    createSession: { ptr: at(7), args: ["u64", "ptr", "u64", "ptr"], returns: status },
    run: { ptr: at(9), args: ["u64", "u64", "ptr", "ptr", "u64", "ptr", "u64", "ptr"], returns: status },
    createSessionOptions: { ptr: at(10), args: ["ptr"], returns: status },
    setLogSeverity: { ptr: at(22), args: ["u64", "i32"], returns: status },
    setOptimizationLevel: { ptr: at(23), args: ["u64", "i32"], returns: status },
    setIntraOpThreads: { ptr: at(24), args: ["u64", "i32"], returns: status },
    setInterOpThreads: { ptr: at(25), args: ["u64", "i32"], returns: status },
    createTensor: { ptr: at(49), args: ["u64", "ptr", "u64", "ptr", "u64", "i32", "ptr"], returns: status },
    createCpuMemoryInfo: { ptr: at(69), args: ["i32", "i32", "ptr"], returns: status },
    releaseStatus: { ptr: at(93), args: ["ptr"], returns: "void" },
    releaseSession: { ptr: at(95), args: ["u64"], returns: "void" },
    releaseValue: { ptr: at(96), args: ["u64"], returns: "void" },
    releaseSessionOptions: { ptr: at(100), args: ["u64"], returns: "void" },
    addConfigEntry: { ptr: at(130), args: ["u64", "ptr", "ptr"], returns: status },
  }).symbols;
}

function findTable(): Address {
  const library = dlopen(nativePath("libonnxruntime.so.1"), { OrtGetApiBase: { args: [], returns: "ptr" } });
  const base = library.symbols.OrtGetApiBase();
  if (!base) throw new Error("libonnxruntime has no API base");
  const { symbols } = linkSymbols({
    getApi: { ptr: read.u64(base, 0), args: ["u32"], returns: "ptr" },
    getVersion: { ptr: read.u64(base, 8), args: [], returns: "ptr" },
  });
  const name = symbols.getVersion();
  const version = name ? new CString(name).toString() : "of no version";
  if (version !== VERSION) throw new Error(`libonnxruntime is ${version}, not ${VERSION}`);
  const table = symbols.getApi(API_VERSION);
  if (!table) throw new Error(`libonnxruntime has no API ${API_VERSION}`);
  return table;
}

/** Loads the library. Throws where it is missing, of another version, or code may not be made at run time. */
export function openOrt(): Ort {
  silenceTelemetry();
  const api = linkApi(findTable());

  function check(status: Address | null): void {
    if (!status) return;
    const text = api.getErrorMessage(status);
    const message = text ? new CString(text).toString() : "an error without a message";
    api.releaseStatus(status);
    throw new Error(`ONNX Runtime: ${message}`);
  }
  /** The handle that `make` writes to its out parameter. */
  function handleOf(make: (out: BigUint64Array) => Address | null): bigint {
    const out = new BigUint64Array(1);
    check(make(out));
    return out[0] ?? 0n;
  }

  const name = zeroEnded("espalier");
  const env = handleOf((out) => api.createEnv(LOG_ERRORS_ONLY, name, out));
  check(api.disableTelemetryEvents(env));
  const memory = handleOf((out) => api.createCpuMemoryInfo(DEVICE_ALLOCATOR, DEFAULT_MEMORY, out));

  return {
    openSession(modelPath, threads, config) {
      const options = handleOf((out) => api.createSessionOptions(out));
      check(api.setLogSeverity(options, LOG_ERRORS_ONLY));
      check(api.setOptimizationLevel(options, OPTIMISE_ALL));
      check(api.setIntraOpThreads(options, threads));
      check(api.setInterOpThreads(options, 1));
      for (const [key, value] of Object.entries(config))
        check(api.addConfigEntry(options, zeroEnded(key), zeroEnded(value)));
      const path = zeroEnded(modelPath);
      const session = handleOf((out) => api.createSession(env, path, options, out));
      api.releaseSessionOptions(options);
      const names = new Map<string, Uint8Array>();
      /** Addresses of the names and handles of the values, as Run wants them. */
      function columns(values: ReadonlyMap<string, OrtTensor>): [BigUint64Array, BigUint64Array] {
        const [keys, handles] = [new BigUint64Array(values.size), new BigUint64Array(values.size)];
        let i = 0;
        for (const [key, value] of values) {
          const bytes = names.get(key) ?? zeroEnded(key);
          names.set(key, bytes);
          keys[i] = BigInt(ptr(bytes));
          handles[i++] = value.handle;
        }
        return [keys, handles];
      }
      return {
        run(inputs, outputs) {
          const [inNames, inValues] = columns(inputs);
          const [outNames, outValues] = columns(outputs);
          check(api.run(session, 0, inNames, inValues, inputs.size, outNames, outputs.size, outValues));
        },
        close: () => api.releaseSession(session),
      };
    },
    tensor(data, dims) {
      const shape = BigInt64Array.from(dims, BigInt);
      const type = data instanceof Float32Array ? FLOAT32 : data instanceof Int32Array ? INT32 : INT64;
      const handle = handleOf((out) =>
        api.createTensor(memory, data, data.byteLength, shape, dims.length, type, out),
      );
      return { handle, close: () => api.releaseValue(handle) };
    },
  };
}
