// Files that were uploaded for one run: a folder of their own until the run has no more use for them.
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { and, inArray, ne, sql } from "drizzle-orm";
import { runs } from "../../schema/tables/runs.ts";
import { now } from "../kit/clock.ts";
import { crashPoint } from "../kit/faults.ts";
import { newId } from "../kit/ids.ts";
import type { Reader } from "./store.ts";

const ID = /^upl_[0-9a-z]{26}$/;

export type Incoming = {
  /** Moves files of the same disk into a new folder under the names given; returns its id. */
  take(files: readonly { path: string; name: string }[]): Promise<string>;
  /** The same with bytes of this program, e.g. a sample. */
  takeBytes(name: string, bytes: Uint8Array): Promise<string>;
  /** What lies there: the folder and its files' names, sorted; no names where it is gone. */
  find(id: string): Promise<{ folder: string; names: string[] }>;
  remove(id: string): Promise<void>;
  /** Removes folders older than `olderThanMs` that no run waits for or could be retried with. Returns how many. */
  sweep(db: Reader, options: { olderThanMs: number; retryMs: number }): Promise<number>;
};

/** The folder `dataDir/incoming`. Nothing in it is shared, so whoever ends a run may remove what was its own. */
export function openIncoming(dataDir: string): Incoming {
  const root = join(dataDir, "incoming");
  const folderOf = (id: string): string => {
    if (!ID.test(id)) throw new Error(`${id.slice(0, 80)} is no id of incoming files`);
    return join(root, id);
  };

  async function make(): Promise<{ id: string; folder: string }> {
    const id = newId("upload");
    const folder = folderOf(id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return { id, folder };
  }

  return {
    async take(files) {
      const { id, folder } = await make();
      for (const { path, name } of files) {
        await rename(path, join(folder, name));
        crashPoint("incoming.moved");
      }
      return id;
    },
    async takeBytes(name, bytes) {
      const { id, folder } = await make();
      await writeFile(join(folder, name), bytes);
      return id;
    },
    async find(id) {
      const folder = folderOf(id);
      return { folder, names: (await readdir(folder).catch(() => [])).sort() };
    },
    remove: (id) => rm(folderOf(id), { recursive: true, force: true }),
    async sweep(db, { olderThanMs, retryMs }) {
      let removed = 0;
      for (const id of await readdir(root).catch(() => [])) {
        const info = await stat(join(root, id)).catch(() => null);
        const ageMs = info ? now() - info.mtimeMs : 0;
        if (!ID.test(id) || ageMs < olderThanMs) continue;
        const mayRun =
          ageMs < retryMs ? ne(runs.status, "succeeded") : inArray(runs.status, ["queued", "running"]);
        const [user] = await db
          .select({ id: runs.id })
          .from(runs)
          .where(and(mayRun, sql`instr(${runs.spec}, ${id}) > 0`))
          .limit(1);
        if (user) continue;
        await rm(join(root, id), { recursive: true, force: true });
        removed++;
      }
      return removed;
    },
  };
}
