// What people are told, and what is posted to a project's webhook: rows made in the transaction of what they tell of.
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

/** What a notification tells, beside its kind; the UI makes a sentence of it in the reader's language. */
export type NotificationAbout = {
  /** Of what: a run, a person, a trainer. */
  name: string;
  runId?: string;
  runKind?: string;
  /** Why it failed. */
  message?: string;
  /** Who did it, by name. */
  by?: string;
  role?: string;
  /** Bytes that are free. */
  bytes?: number;
  /** What to do next: a verb of src/notifications/kinds.ts, on what, and the page for it. */
  next: { verb: string; name: string; path: string };
};

export const notifications = sqliteTable(
  "notifications",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    /** The person or API key that is told. No reference: a key is no person. */
    recipientId: text("recipient_id").notNull(),
    /** As src/notifications/kinds.ts lists them. */
    kind: text("kind").notNull(),
    about: json<NotificationAbout>("about").notNull(),
    /** What happened, e.g. a run's id and its end: nobody is told of it twice. */
    event: text("event").notNull(),
    createdAt: at("created_at").notNull(),
    readAt: at("read_at"),
  },
  (t) => [
    uniqueIndex("notifications_event").on(t.recipientId, t.projectId, t.event),
    index("notifications_unread").on(t.recipientId, t.projectId, t.readAt),
  ],
);

/** Where a project's events are posted; one at most. */
export const webhooks = sqliteTable(
  "webhooks",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    url: text("url").notNull(),
    /** What signs the messages, sealed by src/store/secrets.ts. */
    sealedSecret: text("sealed_secret").notNull(),
    /** Kinds of notifications that are posted. */
    kinds: json<string[]>("kinds").notNull(),
    createdAt: at("created_at").notNull(),
    createdBy: text("created_by"),
  },
  (t) => [uniqueIndex("webhooks_project").on(t.projectId)],
);

/** Messages to webhooks: each is tried until it is taken in, or given up. */
export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    webhookId: text("webhook_id")
      .notNull()
      .references(() => webhooks.id, { onDelete: "cascade" }),
    kind: text("kind").notNull(),
    event: text("event").notNull(),
    /** The message as it is signed and sent. */
    body: text("body").notNull(),
    attempts: integer("attempts").notNull().default(0),
    /** When it is tried next; null once it was taken in or given up. */
    nextAt: at("next_at"),
    createdAt: at("created_at").notNull(),
    triedAt: at("tried_at"),
    /** What the other side answered last: its HTTP status, or why there was none. */
    status: integer("status"),
    error: text("error"),
  },
  (t) => [
    uniqueIndex("webhook_deliveries_event").on(t.webhookId, t.event),
    index("webhook_deliveries_next").on(t.nextAt),
    index("webhook_deliveries_project").on(t.projectId, t.createdAt),
  ],
);
