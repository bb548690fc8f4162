// The one way in which something is told: rows for those who are to know, and a message for the webhook, in the caller's transaction.
import type { NotificationAbout } from "../../schema/tables/notifications.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import type { Clock } from "../kit/clock.ts";
import { newId } from "../kit/ids.ts";
import type { Store, Tx } from "../store/store.ts";
import type { NotificationKind } from "./kinds.ts";
import { whoWants } from "./preferences.ts";
import { stillThere } from "./recipients.ts";

export type NotificationRow = typeof notifications.$inferSelect;

export type Told = {
  projectId: string;
  kind: NotificationKind;
  /** What happened, in words that nothing else has: told again, it is passed over. */
  event: string;
  about: NotificationAbout;
  /** Ids of people and keys; those who left the project or want none of the kind are passed over. */
  to: readonly string[];
};

/** Tells within the transaction in which it happens, so that both are kept or neither. */
export type Tell = (tx: Tx, told: Told) => Promise<void>;

type Deps = {
  store: Store;
  clock: Clock;
  /** Queues the message for the project's webhook. */
  post: (tx: Tx, told: Told, at: number) => Promise<void>;
  /** Called for each new row once it is kept. */
  publish: (row: NotificationRow) => void;
};

export function createTell({ store, clock, post, publish }: Deps): Tell {
  return async (tx, told) => {
    const { projectId, kind, event, about, to } = told;
    const at = clock();
    const made: NotificationRow[] = [];
    for (const recipientId of await whoWants(tx, kind, await stillThere(tx, projectId, to))) {
      const row = {
        id: newId("notification", at),
        projectId,
        recipientId,
        kind,
        about,
        event,
        createdAt: at,
      };
      made.push(...(await tx.insert(notifications).values(row).onConflictDoNothing().returning()));
    }
    await post(tx, told, at);
    store.afterCommit(tx, () => made.forEach(publish));
  };
}
