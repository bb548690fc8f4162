// The webhook of a project: where its events are posted, the secret that signs them, and what became of the messages.
import { and, desc, eq, isNull, lt } from "drizzle-orm";
import { projects } from "../../schema/tables/accounts.ts";
import { webhookDeliveries, webhooks } from "../../schema/tables/notifications.ts";
import { checkAddress, forgetAddress } from "../inference/remote/confirmed.ts";
import type { Outbound } from "../inference/remote/outbound.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId, newSecret } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import type { Secrets } from "../store/secrets.ts";
import type { Store, Tx } from "../store/store.ts";
import { createPosting } from "./deliveries.ts";
import { allKinds, isKind, sentenceOf } from "./kinds.ts";
import type { Told } from "./tell.ts";

export type WebhookRow = typeof webhooks.$inferSelect;
export type DeliveryRow = typeof webhookDeliveries.$inferSelect;

export type WebhookInput = {
  projectId: string;
  url: string;
  /** Kinds that are posted; all when unsaid. */
  kinds?: readonly string[] | null | undefined;
  allowPrivate?: boolean | null | undefined;
  /** Who asks, by id and name. */
  byId: string | null;
  by: string;
};

export type WebhookDeps = { store: Store; clock: Clock; log: Log; secrets: Secrets; outbound: Outbound };

/** Signing secrets as the Standard Webhooks specification writes them: base64 after this prefix. */
const SECRET_PREFIX = "whsec_";
const freshSecret = (): string => SECRET_PREFIX + Buffer.from(newSecret(24), "base64url").toString("base64");

/** Whoever calls its writing verbs has checked that an admin asks. */
export function createWebhooks(deps: WebhookDeps) {
  const { store, clock, secrets, outbound } = deps;
  const { db } = store;
  const posting = createPosting(deps);

  const find = async (projectId: string): Promise<WebhookRow | null> =>
    (await db.select().from(webhooks).where(eq(webhooks.projectId, projectId)))[0] ?? null;

  async function get(projectId: string): Promise<WebhookRow> {
    const row = await find(projectId);
    if (row) return row;
    throw new EspalierError("WEBHOOK_NOT_FOUND", "This project has no webhook.", {
      field: "webhook",
      hint: "Set its address first.",
      status: 404,
    });
  }

  async function message(tx: Tx, told: Told, id: string, at: number): Promise<string> {
    const [project] = await tx
      .select({ id: projects.id, name: projects.name })
      .from(projects)
      .where(eq(projects.id, told.projectId));
    const { next, ...data } = told.about;
    return JSON.stringify({
      id,
      type: told.kind,
      timestamp: new Date(at).toISOString(),
      project,
      text: sentenceOf(told.kind, told.about),
      path: next.path,
      data,
    });
  }

  async function put(tx: Tx, hook: WebhookRow, told: Told, at: number): Promise<void> {
    const id = newId("webhookDelivery", at);
    const { projectId, kind, event } = told;
    const body = await message(tx, told, id, at);
    await tx
      .insert(webhookDeliveries)
      .values({ id, projectId, webhookId: hook.id, kind, event, body, nextAt: at, createdAt: at })
      .onConflictDoNothing();
  }

  return {
    findWebhook: find,

    /**
     * Sets the project's webhook; a new one gets a signing secret, which is returned this once.
     * @throws EspalierError URL_INVALID, ADDRESS_FORBIDDEN, ADDRESS_PRIVATE (to be confirmed), KIND_UNKNOWN
     */
    async setWebhook(input: WebhookInput): Promise<{ webhook: WebhookRow; secret: string | null }> {
      const url = input.url.trim();
      const kinds = input.kinds ?? allKinds;
      const unknown = kinds.find((kind) => !isKind(kind));
      if (unknown !== undefined)
        throw new EspalierError(
          "KIND_UNKNOWN",
          `There is no kind of notification "${unknown.slice(0, 80)}".`,
          {
            field: "kinds",
            value: unknown.slice(0, 80),
            hint: `Choose among ${allKinds.join(", ")}.`,
          },
        );
      await checkAddress({ store, clock, check: outbound.check }, url, input);
      const { projectId, byId } = input;
      const before = await find(projectId);
      const id = before?.id ?? newId("webhook");
      const secret = before ? null : freshSecret();
      const sealedSecret = before?.sealedSecret ?? (await secrets.seal(id, secret ?? ""));
      const row = { url, kinds: [...new Set(kinds)] };
      const [webhook] = await store.write(async (tx) => {
        const done = await tx
          .insert(webhooks)
          .values({ id, projectId, sealedSecret, createdAt: clock(), createdBy: byId, ...row })
          .onConflictDoUpdate({ target: webhooks.projectId, set: row })
          .returning();
        if (before) await forgetAddress(tx, before);
        return done;
      }, "webhook.set");
      if (!webhook) throw new Error("a webhook was not kept");
      return { webhook, secret };
    },

    /** Another signing secret, returned this once; the old one signs no more. @throws EspalierError WEBHOOK_NOT_FOUND */
    async renewWebhookSecret(projectId: string): Promise<{ webhook: WebhookRow; secret: string }> {
      const webhook = await get(projectId);
      const secret = freshSecret();
      const sealedSecret = await secrets.seal(webhook.id, secret);
      await store.write(
        (tx) => tx.update(webhooks).set({ sealedSecret }).where(eq(webhooks.id, webhook.id)),
        "webhook.renew",
      );
      return { webhook: { ...webhook, sealedSecret }, secret };
    },

    /** Forgets the webhook and its messages. @throws EspalierError WEBHOOK_NOT_FOUND */
    async removeWebhook(projectId: string): Promise<WebhookRow> {
      const webhook = await get(projectId);
      await store.write(async (tx) => {
        await tx.delete(webhooks).where(eq(webhooks.id, webhook.id));
        await forgetAddress(tx, webhook);
      }, "webhook.remove");
      return webhook;
    },

    /** Sends a message that says so, once, and returns what came of it. @throws EspalierError WEBHOOK_NOT_FOUND */
    async testWebhook(projectId: string, by: string): Promise<DeliveryRow> {
      const webhook = await get(projectId);
      const id = newId("webhookDelivery");
      const at = clock();
      const [project] = await db
        .select({ id: projects.id, name: projects.name })
        .from(projects)
        .where(eq(projects.id, projectId));
      const body = JSON.stringify({
        id,
        type: "test",
        timestamp: new Date(at).toISOString(),
        project,
        text: `A test of the webhook, asked for by ${by}.`,
        path: "/settings",
        data: { name: "test" },
      });
      const row = { id, projectId, webhookId: webhook.id, kind: "test", event: id, body, createdAt: at };
      await store.write(
        (tx) => tx.insert(webhookDeliveries).values({ ...row, nextAt: null }),
        "webhook.test",
      );
      return posting.attempt(id);
    },

    /** The latest messages, newest first. */
    deliveriesOf: (webhookId: string): Promise<DeliveryRow[]> =>
      db
        .select()
        .from(webhookDeliveries)
        .where(eq(webhookDeliveries.webhookId, webhookId))
        .orderBy(desc(webhookDeliveries.id))
        .limit(limits.webhookDeliveries),

    /** Queues the message of an event, in the transaction of the event, where the project's webhook wants it. */
    async queue(tx: Tx, told: Told, at: number): Promise<void> {
      const [hook] = await tx.select().from(webhooks).where(eq(webhooks.projectId, told.projectId));
      if (!hook?.kinds.includes(told.kind)) return;
      await put(tx, hook, told, at);
      store.afterCommit(tx, posting.ring);
    },

    /** Forgets messages that are done and from before. */
    async forget(tx: Tx, before: number): Promise<void> {
      await tx
        .delete(webhookDeliveries)
        .where(and(isNull(webhookDeliveries.nextAt), lt(webhookDeliveries.createdAt, before)));
    },

    /** Begins to post what is due; returns what ends it. */
    startPosting: posting.start,
  };
}
