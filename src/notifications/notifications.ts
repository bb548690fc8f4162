// Front door of notifications: what people are told, whether they have read it, what they want to hear of, and the webhook.
import { and, count, eq, inArray, isNull, lt } from "drizzle-orm";
import { notifications } from "../../schema/tables/notifications.ts";
import type { Outbound } from "../inference/remote/outbound.ts";
import type { Clock } from "../kit/clock.ts";
import { limits } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import type { Runs } from "../runs/runs.ts";
import type { Secrets } from "../store/secrets.ts";
import { type Page, type PageRequest, readPage, type Store, type Tx } from "../store/store.ts";
import { type Preference, readPreferences, writePreference } from "./preferences.ts";
import { adminsOf, openProjects } from "./recipients.ts";
import { tellOfRuns } from "./run-news.ts";
import { createTell, type NotificationRow, type Told } from "./tell.ts";
import { createWebhooks } from "./webhooks.ts";

export { createDiskWatch, type DiskWatch } from "./disk-watch.ts";
export {
  isKind,
  type NextVerb,
  type NotificationKind,
  nextVerbs,
  notificationKinds,
  sentenceOf,
} from "./kinds.ts";
export type { Preference } from "./preferences.ts";
export type { NotificationRow, Tell } from "./tell.ts";
export type { DeliveryRow, WebhookRow } from "./webhooks.ts";

/** Who reads: a person or key, in one project. */
export type Reader = { recipientId: string; projectId: string };
/** A reader's notifications changed; `added` is a new one, null where some were read. */
export type Change = { added: NotificationRow | null };

export type NotificationsDeps = {
  store: Store;
  runs: Runs;
  clock: Clock;
  log: Log;
  secrets: Secrets;
  outbound: Outbound;
};
export type Notifications = ReturnType<typeof createNotifications>;

/** Builds the front door and begins to tell of runs; `startPosting` begins to post to webhooks. */
export function createNotifications(deps: NotificationsDeps) {
  const { store, runs, clock } = deps;
  const { db } = store;
  const listeners = new Set<(reader: Reader, change: Change) => void>();
  const publish = (reader: Reader, change: Change): void => {
    for (const listener of [...listeners]) listener(reader, change);
  };
  const webhooks = createWebhooks(deps);
  const tell = createTell({
    store,
    clock,
    post: webhooks.queue,
    publish: (row) => publish(row, { added: row }),
  });
  tellOfRuns(runs, tell);

  const own = ({ recipientId, projectId }: Reader) =>
    and(eq(notifications.recipientId, recipientId), eq(notifications.projectId, projectId));

  return {
    ...webhooks,
    tell,

    /** Tells all who look after a project. */
    async tellAdmins(tx: Tx, told: Omit<Told, "to">, butNot: string | null = null): Promise<void> {
      const to = (await adminsOf(tx, told.projectId)).filter((id) => id !== butNot);
      await tell(tx, { ...told, to });
    },

    /** Tells all who look after any project: of the server itself. */
    async tellServerAdmins(tx: Tx, told: Omit<Told, "to" | "projectId">): Promise<void> {
      for (const projectId of await openProjects(tx))
        await tell(tx, { ...told, projectId, to: await adminsOf(tx, projectId) });
    },

    /** Newest first. */
    page: (reader: Reader, isUnread: boolean, page: PageRequest): Promise<Page<NotificationRow>> =>
      readPage(
        db,
        notifications,
        {
          where: and(own(reader), isUnread ? isNull(notifications.readAt) : undefined),
          keys: ["id"],
          order: "descending",
        },
        page,
      ),

    async unread(reader: Reader): Promise<number> {
      const [row] = await db
        .select({ count: count() })
        .from(notifications)
        .where(and(own(reader), isNull(notifications.readAt)));
      return row?.count ?? 0;
    },

    /** Notes that they were read; all of them when none is named. Returns how many were not before. */
    async markRead(reader: Reader, ids: readonly string[] | null): Promise<number> {
      const read = await store.write(
        (tx) =>
          tx
            .update(notifications)
            .set({ readAt: clock() })
            .where(
              and(
                own(reader),
                isNull(notifications.readAt),
                ids === null ? undefined : inArray(notifications.id, [...ids]),
              ),
            )
            .returning({ id: notifications.id }),
        "notification.read",
      );
      if (read.length > 0) publish(reader, { added: null });
      return read.length;
    },

    preferences: (recipientId: string): Promise<Preference[]> => readPreferences(db, recipientId),
    setPreference: (recipientId: string, wanted: Preference): Promise<void> =>
      writePreference(store, recipientId, wanted),

    /** Calls back after each change of a reader's notifications; returns what ends it. */
    onChange(reader: Reader, listener: (change: Change) => void): () => void {
      const mine = (of: Reader, change: Change): void => {
        if (of.recipientId === reader.recipientId && of.projectId === reader.projectId) listener(change);
      };
      listeners.add(mine);
      return () => void listeners.delete(mine);
    },

    /** Forgets what is older than limits.notificationKeepMs, and old deliveries. */
    async sweep(): Promise<void> {
      await store.write(async (tx) => {
        const before = clock() - limits.notificationKeepMs;
        await tx.delete(notifications).where(lt(notifications.createdAt, before));
        await webhooks.forget(tx, before);
      }, "notification.sweep");
    },
  };
}
