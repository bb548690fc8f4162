// A disk with no room and a disk that fails: real ones, made by a small tmpfs and by a file size limit.
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projects } from "../../schema/tables/accounts.ts";
import { createLog } from "../kit/log.ts";
import { openStore } from "./store.ts";

const log = createLog({ level: "silent" });
const dir = mkdtempSync(join(tmpdir(), "espalier-disk-"));
const small = join(dir, "small");
mkdirSync(small);
const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small]).success;

afterAll(() => {
  if (mounted) Bun.spawnSync(["umount", "-l", small]);
  rmSync(dir, { recursive: true, force: true });
});

// Mounting needs root; the file size limit below covers the same code for everybody else.
test.skipIf(!mounted)(
  "a full disk is DISK_FULL for blobs and rows, leaves nothing half, and passes when room is made",
  async () => {
    const store = await openStore({ dataDir: join(small, "data"), log });
    await store.write((tx) => tx.insert(projects).values({ id: "kept", name: "kept", createdAt: 1 }));
    const filler = join(small, "filler");
    writeFileSync(filler, Buffer.alloc(2 * 1024 * 1024));
    await expect(store.blobs.putBytes(Buffer.alloc(3 * 1024 * 1024, 1))).rejects.toMatchObject({
      code: "DISK_FULL",
      status: 507,
    });
    expect(readdirSync(join(small, "data", "tmp"))).toEqual([]);
    const insertUntilFull = async () => {
      for (let n = 0; n < 2000; n++)
        await store.write((tx) =>
          tx.insert(projects).values({ id: `p${n}`, name: "x".repeat(4000), createdAt: n }),
        );
    };
    await expect(insertUntilFull()).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(store.failure()).toBeNull();
    const before = await store.db.$count(projects);
    rmSync(filler);
    await store.write((tx) => tx.insert(projects).values({ id: "after", name: "after", createdAt: 1 }));
    expect(await store.db.$count(projects)).toBe(before + 1);
    await store.close();
  },
);

test("after the disk failed once, every later write is refused and nothing more is acknowledged", async () => {
  const data = join(dir, "data");
  const child = join(dir, "child.ts");
  writeFileSync(
    child,
    `import { openStore } from ${JSON.stringify(join(import.meta.dir, "store.ts"))};
     import { createLog } from ${JSON.stringify(join(import.meta.dir, "../kit/log.ts"))};
     import { projects } from ${JSON.stringify(join(import.meta.dir, "../../schema/tables/accounts.ts"))};
     const store = await openStore({ dataDir: ${JSON.stringify(data)}, log: createLog({ level: "silent" }) });
     const acknowledged = []; const refusals = [];
     for (let n = 0; n < 3000 && refusals.length < 3; n++)
       await store.write((tx) => tx.insert(projects).values({ id: "p" + n, name: "x".repeat(2000), createdAt: n }))
         .then(() => acknowledged.push(n), (error) => refusals.push(error.code));
     console.log(JSON.stringify({ acknowledged: acknowledged.length, refusals, failure: store.failure() }));
     process.exit(0);`,
  );
  // The limit makes the kernel refuse writes into the database's journal past 2 MiB, well after the migrations: a real EFBIG, which SQLite
  // reports as an I/O error.
  const script = `trap '' XFSZ; ulimit -f 4096; exec "${process.execPath}" "${child}"`;
  const done = Bun.spawnSync(["sh", "-c", script]);
  const said: unknown = JSON.parse(done.stdout.toString());
  expect(said).toMatchObject({
    refusals: ["STORE_FAILED", "STORE_FAILED", "STORE_FAILED"],
    failure: expect.stringContaining("disk I/O error"),
  });
  const { acknowledged } = said as { acknowledged: number };
  expect(acknowledged).toBeGreaterThan(10);
  const store = await openStore({ dataDir: data, log });
  expect(await store.db.$count(projects)).toBe(acknowledged);
  await store.close();
});
