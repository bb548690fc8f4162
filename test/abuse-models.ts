// Hostile models: what is imported, and the code under which it must be refused.
import { symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { strToU8 } from "fflate";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import * as bad from "./abuse-files.ts";
import { type AbuseWorld, type Case, type Files, nest, type Refusal } from "./abuse-world.ts";

const KiB = 1024;
const model = async (w: AbuseWorld, files: Promise<Files> | Files) => w.importModel(await files);
const importPath = (w: AbuseWorld, path: string, key?: string): Promise<Refusal | null> =>
  w.outcome("importModel", "ImportModelInput", { name: "m", path }, key);

export const modelCases: Case[] = [
  [
    "a PNG",
    "WEIGHTS_HEADER_INVALID",
    /m.png does not begin with GGUF/,
    (w) => model(w, { "m.png": bad.PNG }),
  ],
  [
    "a PDF",
    "WEIGHTS_HEADER_INVALID",
    /m.gguf does not begin with GGUF/,
    (w) => model(w, { "m.gguf": bad.PDF }),
  ],
  ["an empty file", "MODEL_EMPTY", /m.gguf/, (w) => model(w, { "m.gguf": "" })],
  ["a pickle", "PICKLE_REFUSED", /m.bin/, (w) => model(w, { "m.bin": "PK" })],
  [
    "a folder of pickles",
    "PICKLE_REFUSED",
    /pytorch_model.bin/,
    (w) => model(w, bad.toyWith({ "model.safetensors": null, "pytorch_model.bin": "x" })),
  ],
  [
    "code of its own",
    "REMOTE_CODE_REFUSED",
    /auto_map/,
    (w) => model(w, bad.toyConfig({ auto_map: { AutoModel: "x.Y" } })),
  ],
  [
    "an unknown architecture",
    "UNKNOWN_ARCHITECTURE",
    /rwkv/,
    (w) => model(w, bad.toyConfig({ model_type: "rwkv" })),
  ],
  [
    "a config that is no JSON",
    "CONFIG_INVALID",
    /config.json/,
    (w) => model(w, bad.toyWith({ "config.json": "{" })),
  ],
  [
    "a config nested deep",
    "CONFIG_INVALID",
    /config.json/,
    (w) => model(w, bad.toyWith({ "config.json": nest(1_000_000) })),
  ],
  [
    "a million layers",
    "CONFIG_INVALID",
    /num_hidden_layers/,
    (w) => model(w, bad.toyConfig({ num_hidden_layers: 1e6 })),
  ],
  [
    "a tokenizer larger than the embedding",
    "TOKENIZER_TOO_LARGE",
    /98 tokens.*96 rows/,
    (w) => model(w, bad.toyFiles({ extraTokens: 2 })),
  ],
  [
    "no tokenizer",
    "TOKENIZER_MISSING",
    /tokenizer.json/,
    (w) => model(w, bad.toyWith({ "tokenizer.json": null })),
  ],
  [
    "weights cut short",
    "WEIGHTS_TRUNCATED",
    /model.safetensors/,
    async (w) =>
      model(
        w,
        bad.toyWith({
          "model.safetensors": (await bad.toyFiles())["model.safetensors"]?.slice(0, -99) ?? "",
        }),
      ),
  ],
  [
    "a shard that is not there",
    "WEIGHTS_SHARD_MISSING",
    /\.\.\/x/,
    (w) => model(w, bad.toyWith({ "model.safetensors.index.json": '{"weight_map":{"a":"../x"}}' })),
  ],
  [
    "overlapping tensors",
    "WEIGHTS_OVERLAP",
    /overlaps/,
    (w) =>
      model(
        w,
        bad.toyWeights(([, two]) => move(two, (at) => at - 4)),
      ),
  ],
  [
    "an offset beyond the file",
    "WEIGHTS_OFFSET_OUTSIDE_FILE",
    /ends at/,
    (w) =>
      model(
        w,
        bad.toyWeights(([one]) => move(one, (at) => at + 2 ** 40)),
      ),
  ],
  [
    "a negative offset",
    "WEIGHTS_HEADER_INVALID",
    /Tensor/,
    (w) =>
      model(
        w,
        bad.toyWeights(([one]) => move(one, (at) => at - 4)),
      ),
  ],
  [
    "an offset beyond 2^53",
    "WEIGHTS_HEADER_INVALID",
    /Tensor/,
    (w) =>
      model(
        w,
        bad.toyWeights(([one]) => move(one, (at) => at + 2 ** 60)),
      ),
  ],
  [
    "a wild header length",
    "WEIGHTS_HEADER_INVALID",
    /18446744073709551615/,
    (w) =>
      model(
        w,
        bad.toyWeights(() => {}, 2n ** 64n - 1n),
      ),
  ],
  [
    "a GGUF with 2^63 tensors",
    "WEIGHTS_COUNT_OVERFLOW",
    /tensor count is 9223372036854775808/,
    (w) => model(w, bad.ggufHead(2n ** 63n, 1n)),
  ],
  [
    "a GGUF with 900000 keys",
    "WEIGHTS_COUNT_OVERFLOW",
    /metadata count is 900000/,
    (w) => model(w, bad.ggufHead(0n, 900_000n)),
  ],
  [
    "a GGUF with an endless text",
    "WEIGHTS_COUNT_OVERFLOW",
    /text of 1099511627776/,
    (w) => model(w, bad.ggufHead(0n, 1n, 2n ** 40n)),
  ],
  [
    "a GGUF with an endless list",
    "WEIGHTS_COUNT_OVERFLOW",
    /array of 1099511627776/,
    (w) => model(w, bad.ggufHead(0n, 1n, 4n, 0x61616161, 9, 8, 2n ** 40n)),
  ],
  [
    "a GGUF whose axes overflow",
    "WEIGHTS_COUNT_OVERFLOW",
    /overflows/,
    (w) =>
      model(
        w,
        bad.gguf((m) => m.tensor("x", 0, [2 ** 40, 2 ** 40], 0, 64)),
      ),
  ],
  [
    "a GGUF of Q4_K",
    "UNSUPPORTED_TENSOR_TYPE",
    /Q4_K/,
    (w) =>
      model(
        w,
        bad.gguf((m) => m.tensor("x", 12, [256], 0, 144)),
      ),
  ],
  [
    "a GGUF of an unknown type",
    "UNSUPPORTED_TENSOR_TYPE",
    /type 99/,
    (w) =>
      model(
        w,
        bad.gguf((m) => m.tensor("x", 99, [256], 0, 144)),
      ),
  ],
  [
    "a GGUF cut short",
    "WEIGHTS_TRUNCATED",
    /m.gguf/,
    (w) =>
      model(
        w,
        bad.gguf((m) => m.tensor("x", 0, [64], 0, 32)),
      ),
  ],
  [
    "a zip bomb",
    "ZIP_TOO_LARGE",
    /bytes/,
    (w) => model(w, bad.zip({ "a.safetensors": new Uint8Array(64 * KiB * KiB) })),
  ],
  [
    "a zip of 600 files",
    "ZIP_TOO_LARGE",
    /500 files/,
    (w) =>
      model(w, bad.zip(Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`${i}`, strToU8("x")])))),
  ],
  [
    "a zip out of its folder",
    "ZIP_PATH_REFUSED",
    /\.\.\/\.\.\/evil/,
    (w) => model(w, bad.zip({ "../../evil": strToU8("x") })),
  ],
  [
    "a zip with NUL in a name",
    "ZIP_PATH_REFUSED",
    /a\\0b/,
    (w) => model(w, bad.zip({ "a\0b": strToU8("x") })),
  ],
  ["a zip of a link", "ZIP_LINK_REFUSED", /config.json/, (w) => model(w, bad.zipOfLink())],
  [
    "a zip cut short",
    "ZIP_INVALID",
    /zip/,
    (w) => model(w, { "m.zip": (bad.zip({ a: strToU8("x".repeat(999)) })["m.zip"] ?? "").slice(0, 40) }),
  ],
  ["../ as a model's name", "NAME_INVALID", /\.\.\/x/, (w) => w.importModel({ "m.gguf": "x" }, "../x")],
  ["a name that is taken", "NAME_TAKEN", /toy/, (w) => w.importModel({ "m.gguf": "x" }, "toy")],
  ["a name that an alias has", "NAME_TAKEN", /pet/, (w) => w.importModel({ "m.gguf": "x" }, "pet")],
  [
    "a path for a key that is no admin's",
    "PATH_REFUSED",
    /\/etc\/passwd/,
    (w) => importPath(w, "/etc/passwd", w.writer),
  ],
  ["a path that is not there", "MODEL_NOT_FOUND", /\/nowhere/, (w) => importPath(w, "/nowhere")],
  ["a path with NUL", "PATH_NOT_ABSOLUTE", /\\0/, (w) => importPath(w, "/etc\0/x")],
  ["a link out of the folder", "LINK_OUTSIDE_FOLDER", /model.safetensors/, linkedFolder],
];

const move = (one: [string, { data_offsets: number[] }] | undefined, to: (at: number) => number): void => {
  if (one) one[1].data_offsets = one[1].data_offsets.map(to);
};
async function linkedFolder(w: AbuseWorld): Promise<Refusal | null> {
  const [folder, other] = [w.newFolder("linked"), w.newFolder("other")];
  await writeToyModel(folder);
  await writeToyModel(other);
  unlinkSync(join(folder, "model.safetensors"));
  symlinkSync(join(other, "model.safetensors"), join(folder, "model.safetensors"));
  return importPath(w, folder);
}
