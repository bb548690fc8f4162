// Weights from outside: what reads back, and every refusal by its code.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isEspalierError } from "../../kit/errors.ts";
import { GgufMaker, type ToyOptions, writeToyModel } from "../toy.test-kit.ts";
import { fromFloat32, toFloat32 } from "./dtypes.ts";
import { createSafetensorsWriter, openSafetensors, openWeights, readModelConfig } from "./weights.ts";

let root = "";
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "espalier-weights-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function toy(options: ToyOptions = {}): Promise<string> {
  const folder = join(root, `m${count++}`);
  await writeToyModel(folder, options);
  return folder;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isEspalierError(error)) return error.code;
    throw error;
  }
  return "(nothing thrown)";
}

/** A safetensors file with this header over `dataBytes` zero bytes. */
async function rawSafetensors(header: unknown, dataBytes: number, headerBytes?: bigint): Promise<string> {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerBytes ?? BigInt(json.length), true);
  bytes.set(json, 8);
  const path = join(root, `raw${count++}.safetensors`);
  await writeFile(path, bytes);
  return path;
}

const tensor = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

describe("safetensors", () => {
  test("what the writer writes reads back, in slices too", async () => {
    const path = join(root, "w.safetensors");
    const values = Float32Array.from({ length: 12 }, (_, i) => i / 3);
    const writer = await createSafetensorsWriter(path, [
      { name: "a", dtype: "F32", shape: [4, 3] },
      { name: "empty", dtype: "F32", shape: [0] },
      { name: "b", dtype: "BF16", shape: [3] },
    ]);
    await writer.write("a", fromFloat32("F32", values.slice(0, 6)));
    await writer.write("a", fromFloat32("F32", values.slice(6)));
    await writer.write("b", fromFloat32("BF16", Float32Array.of(1, -2.5, 0.1)));
    await writer.close();
    const { tensors } = await openSafetensors(path);
    const [a, , b] = tensors;
    expect(Array.from((await a?.readFloat32()) ?? [])).toEqual(Array.from(values));
    expect(Array.from((await a?.readFloat32(1, 2)) ?? [])).toEqual(Array.from(values.slice(3, 9)));
    const back = Array.from((await b?.readFloat32()) ?? []);
    expect(back.slice(0, 2)).toEqual([1, -2.5]);
    expect(back[2]).toBeCloseTo(0.1, 3);
  });

  test("the writer refuses a tensor out of turn and an unfinished one", async () => {
    const writer = await createSafetensorsWriter(join(root, "x.safetensors"), [
      { name: "a", dtype: "F32", shape: [2] },
      { name: "b", dtype: "F32", shape: [2] },
    ]);
    expect(writer.write("b", new Uint8Array(8))).rejects.toThrow("out of turn");
    await writer.write("a", new Uint8Array(8));
    expect(writer.close()).rejects.toThrow("lacks 8 bytes");
    await writer.abort();
  });

  const cases: [string, unknown, number, bigint | undefined, string][] = [
    ["cut data", { a: tensor(0, 8), b: tensor(8, 16) }, 12, undefined, "WEIGHTS_TRUNCATED"],
    ["a header longer than the file", { a: tensor(0, 8) }, 8, 5000n, "WEIGHTS_TRUNCATED"],
    ["an absurd header size", { a: tensor(0, 8) }, 8, 2n ** 63n, "WEIGHTS_HEADER_INVALID"],
    ["a header that is not JSON", "{not json", 0, undefined, "WEIGHTS_HEADER_INVALID"],
    ["overlapping tensors", { a: tensor(0, 8), b: tensor(4, 12) }, 12, undefined, "WEIGHTS_OVERLAP"],
    [
      "a wild offset",
      { a: tensor(0, 8), b: tensor(4096, 4104) },
      8,
      undefined,
      "WEIGHTS_OFFSET_OUTSIDE_FILE",
    ],
    ["a shape that is not its bytes", { a: tensor(0, 8, [3]) }, 8, undefined, "WEIGHTS_SHAPE_MISMATCH"],
    [
      "a shape that overflows",
      { a: tensor(0, 8, [2 ** 40, 2 ** 40]) },
      8,
      undefined,
      "WEIGHTS_SHAPE_MISMATCH",
    ],
    [
      "an unknown type",
      { a: { dtype: "F3", shape: [2], data_offsets: [0, 8] } },
      8,
      undefined,
      "UNSUPPORTED_TENSOR_TYPE",
    ],
  ];
  for (const [name, header, bytes, size, code] of cases)
    test(`${name} → ${code}`, async () => {
      expect(await codeOf(openSafetensors(await rawSafetensors(header, bytes, size)))).toBe(code);
    });

  test("an empty file → WEIGHTS_TRUNCATED", async () => {
    const path = join(root, "empty.safetensors");
    await writeFile(path, "");
    expect(await codeOf(openSafetensors(path))).toBe("WEIGHTS_TRUNCATED");
  });
});

describe("model folder", () => {
  test("a toy model is described", async () => {
    const model = await readModelConfig(await toy({ readme: "---\nlicense: apache-2.0\n---\n# Toy" }));
    expect(model).toMatchObject({
      architecture: "llama",
      layers: 2,
      heads: 4,
      kvHeads: 2,
      headDim: 16,
      licence: "apache-2.0",
      dtype: "F32",
      format: "hf",
    });
    expect(model.parameterCount).toBeGreaterThan(60_000);
  });

  test("shards are joined, and a missing shard is named", async () => {
    const folder = await toy({ shards: 2 });
    expect((await openWeights(folder)).tensors.length).toBe(20);
    await rm(join(folder, "model-2.safetensors"));
    expect(await codeOf(openWeights(folder))).toBe("WEIGHTS_SHARD_MISSING");
  });

  const refusals: [string, ToyOptions, string][] = [
    ["an unknown architecture", { config: { model_type: "mamba" } }, "UNKNOWN_ARCHITECTURE"],
    ["remote code", { config: { auto_map: { AutoModel: "x.Model" } } }, "REMOTE_CODE_REFUSED"],
    ["a tokenizer larger than the embedding", { extraTokens: 4 }, "TOKENIZER_TOO_LARGE"],
    ["weights of another shape", { config: { intermediate_size: 96 } }, "WEIGHTS_SHAPE_MISMATCH"],
    ["more layers than weights", { config: { num_hidden_layers: 3 } }, "WEIGHTS_MISSING_TENSOR"],
    ["foreign quantisation", { config: { quantization_config: { bits: 4 } } }, "QUANTIZED_FOLDER_REFUSED"],
    [
      "rope scaling of an unknown kind",
      { config: { rope_scaling: { rope_type: "longrope", factor: 4 } } },
      "UNSUPPORTED_ROPE_SCALING",
    ],
    ["heads of an odd size", { config: { head_dim: 24 } }, "UNSUPPORTED_HEAD_SIZE"],
    ["a config without sizes", { config: { hidden_size: "big" } }, "CONFIG_INVALID"],
  ];
  for (const [name, options, code] of refusals)
    test(`${name} → ${code}`, async () => {
      expect(await codeOf(readModelConfig(await toy(options)))).toBe(code);
    });

  test("pickles as the only weights → PICKLE_REFUSED", async () => {
    const folder = await toy();
    await rm(join(folder, "model.safetensors"));
    await writeFile(join(folder, "pytorch_model.bin"), "x");
    expect(await codeOf(readModelConfig(folder))).toBe("PICKLE_REFUSED");
    expect(await codeOf(readModelConfig(join(folder, "pytorch_model.bin")))).toBe("PICKLE_REFUSED");
  });

  test("a link out of the folder → LINK_OUTSIDE_FOLDER", async () => {
    const folder = await toy();
    const other = await toy();
    await rm(join(folder, "model.safetensors"));
    await symlink(join(other, "model.safetensors"), join(folder, "model.safetensors"));
    expect(await codeOf(readModelConfig(folder))).toBe("LINK_OUTSIDE_FOLDER");
  });

  test("a shard named outside the folder is refused", async () => {
    const folder = await toy();
    const index = { weight_map: { "model.norm.weight": "../../secret.safetensors" } };
    await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify(index));
    expect(await codeOf(openWeights(folder))).toBe("WEIGHTS_SHARD_MISSING");
  });

  test("an empty folder and a missing path", async () => {
    await mkdir(join(root, "nothing"));
    expect(await codeOf(readModelConfig(join(root, "nothing")))).toBe("WEIGHTS_MISSING");
    expect(await codeOf(readModelConfig(join(root, "gone")))).toBe("MODEL_NOT_FOUND");
  });
});

describe("gguf", () => {
  async function gguf(make: (maker: GgufMaker) => void): Promise<string> {
    const maker = new GgufMaker();
    make(maker);
    const path = join(root, `g${count++}.gguf`);
    await writeFile(path, maker.finish());
    return path;
  }

  test("rows of a llama query come back in Hugging Face order", async () => {
    const folder = await toy();
    const hf = await openWeights(folder);
    const maker = new GgufMaker();
    await maker.addModel(hf, 16);
    const path = join(root, "toy.gguf");
    await writeFile(path, maker.finish());
    const model = await readModelConfig(path);
    expect(model).toMatchObject({ architecture: "llama", layers: 2, headDim: 16, format: "gguf" });
    const opened = await openWeights(path);
    for (const [name, wanted] of hf.byName) {
      const found = opened.byName.get(name);
      expect(found?.shape).toEqual([...wanted.shape]);
      expect(Array.from((await found?.readFloat32()) ?? [])).toEqual(Array.from(await wanted.readFloat32()));
    }
  });

  const refusals: [string, (maker: GgufMaker) => void, string][] = [
    ["a type not served", (m) => m.tensor("x", 12, [256], 0, 144), "UNSUPPORTED_TENSOR_TYPE"],
    ["a tensor count that overflows", (m) => m.pretendTensors(2n ** 63n), "WEIGHTS_COUNT_OVERFLOW"],
    ["more tensors than the file holds", (m) => m.pretendTensors(900_000n), "WEIGHTS_COUNT_OVERFLOW"],
    ["axes that overflow", (m) => m.tensor("x", 0, [2 ** 40, 2 ** 40], 0, 64), "WEIGHTS_COUNT_OVERFLOW"],
    ["data cut short", (m) => m.tensor("x", 0, [64], 0, 32), "WEIGHTS_TRUNCATED"],
    ["an offset outside the file", (m) => m.tensor("x", 0, [8], 1 << 20, 64), "WEIGHTS_OFFSET_OUTSIDE_FILE"],
    [
      "overlapping tensors",
      (m) => {
        m.tensor("x", 0, [8], 0, 32);
        m.tensor("y", 0, [8], 0, 32);
      },
      "WEIGHTS_OVERLAP",
    ],
    ["an unknown architecture", (m) => m.text("general.architecture", "rwkv"), "UNKNOWN_ARCHITECTURE"],
  ];
  for (const [name, make, code] of refusals)
    test(`${name} → ${code}`, async () => {
      expect(await codeOf(openWeights(await gguf(make)))).toBe(code);
    });

  test("a file that is no GGUF → WEIGHTS_HEADER_INVALID", async () => {
    const path = join(root, "no.gguf");
    await writeFile(path, "this is a text file, not a model at all");
    expect(await codeOf(openWeights(path))).toBe("WEIGHTS_HEADER_INVALID");
  });

  test("a header cut short → WEIGHTS_TRUNCATED", async () => {
    const path = await gguf((m) => m.text("general.architecture", "llama"));
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, 50));
    expect(await codeOf(openWeights(path))).toBe("WEIGHTS_TRUNCATED");
  });
});

test("float16 and bfloat16 decode to the values that they name", () => {
  const values = Float32Array.of(0, 1, -1.5, 65504, 2 ** -24, 0.333251953125);
  expect(Array.from(toFloat32("F16", fromFloat32("F16", values))).map((v) => Math.fround(v))).toEqual([
    0,
    1,
    -1.5,
    65504,
    2 ** -24,
    0.333251953125,
  ]);
  expect(Array.from(toFloat32("BF16", fromFloat32("BF16", Float32Array.of(1, -2, Number.NaN))))).toEqual([
    1,
    -2,
    Number.NaN,
  ]);
});
