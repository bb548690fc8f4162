// Looks at the disk now and then, and tells those who look after the server when it is nearly full: once a day.
import { statfs } from "node:fs/promises";
import type { Clock } from "../kit/clock.ts";
import { limits } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import type { Store } from "../store/store.ts";
import type { Notifications } from "./notifications.ts";

export type DiskSpace = { freeBytes: number; diskBytes: number };
export type DiskWatch = { look(): Promise<void>; stop(): void };

const EVERY_MS = 60_000;

/** The space of the disk under a folder. */
async function spaceOf(folder: string): Promise<DiskSpace> {
  const { bavail, bsize, blocks } = await statfs(folder);
  return { freeBytes: bavail * bsize, diskBytes: blocks * bsize };
}

/** Starts to look, first at once. */
export function createDiskWatch(deps: {
  store: Store;
  notifications: Pick<Notifications, "tellServerAdmins">;
  clock: Clock;
  log: Log;
  space?: () => Promise<DiskSpace>;
}): DiskWatch {
  const { store, notifications, clock, log, space = () => spaceOf(store.dataDir) } = deps;

  async function look(): Promise<void> {
    const { freeBytes, diskBytes } = await space();
    if (freeBytes >= Math.min(limits.diskLowBytes, diskBytes * limits.diskLowShare)) return;
    const day = new Date(clock()).toISOString().slice(0, 10);
    const about = {
      name: "disk",
      bytes: freeBytes,
      next: { verb: "free-space", name: "", path: "/dashboard" },
    };
    await store.write(
      (tx) => notifications.tellServerAdmins(tx, { kind: "disk-low", event: `disk ${day}`, about }),
      "notification.disk",
    );
  }

  const again = (): void => {
    look().catch((error: unknown) => log.warn("the disk could not be looked at", { error }));
  };
  const timer = setInterval(again, EVERY_MS);
  timer.unref();
  again();
  return { look, stop: () => clearInterval(timer) };
}
