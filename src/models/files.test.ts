// A model's folder, asked for by many at once.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../kit/log.ts";
import { openStore, type Store } from "../store/store.ts";
import { createModelFolders } from "./files.ts";

let folder: string;
let store: Store;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "espalier-files-"));
  store = await openStore({ dataDir: folder, log: createLog({ level: "silent" }) });
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

test("whoever is told that the folder is there finds its files, however many ask at once", async () => {
  const blobs = await Promise.all(["one", "two", "three"].map((text) => store.blobs.putBytes(text)));
  const files = blobs.map((blob, at) => ({ path: `part-${at}.safetensors`, ...blob }));
  for (let round = 0; round < 40; round++) {
    const folders = createModelFolders(store);
    const id = `base_${round}`;
    const sizes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const path = await folders.ensure(id, files);
        const found = await Promise.all(files.map((file) => stat(join(path, file.path))));
        return found.map(({ size }) => size);
      }),
    );
    for (const one of sizes) expect(one).toEqual(files.map(({ sizeBytes }) => sizeBytes));
  }
});
