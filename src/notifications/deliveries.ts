// Posts messages to webhooks: signed, one after the other for each, tried again with growing waits, across restarts.
import { createHmac } from "node:crypto";
import { and, asc, eq, isNotNull, lte } from "drizzle-orm";
import { webhookDeliveries, webhooks } from "../../schema/tables/notifications.ts";
import { isConfirmed } from "../inference/remote/confirmed.ts";
import { isEspalierError, messageOf } from "../kit/errors.ts";
import { crashPoint } from "../kit/faults.ts";
import { limits } from "../kit/limits.ts";
import { version } from "../kit/version.ts";
import { createBell } from "../runs/runs.ts";
import type { DeliveryRow, WebhookDeps, WebhookRow } from "./webhooks.ts";

/** Longest that nothing is looked for. */
const LOOK_MS = 60_000;
const GROUP = 100;

/**
 * The headers of a message as the Standard Webhooks specification has them. `secret` is `whsec_` and base64.
 * A message that is sent again keeps its id, so that whoever takes it in can pass over what they know.
 */
export function signedHeaders(id: string, at: number, body: string, secret: string): Record<string, string> {
  const seconds = String(Math.floor(at / 1000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${signature}` };
}

/** Milliseconds to wait after so many tries that failed. */
export function waitAfter(attempts: number): number {
  return limits.webhookRetryMs * 3 ** Math.max(0, attempts - 1);
}

/** Nothing is sent before `start`. */
export function createPosting({ store, clock, log, secrets, outbound }: WebhookDeps) {
  const { db } = store;
  const bell = createBell();

  /** HTTP status of the answer, or why there was none. */
  async function post(
    hook: WebhookRow,
    { id, body }: DeliveryRow,
  ): Promise<Pick<DeliveryRow, "status" | "error">> {
    try {
      const secret = await secrets.open(hook.id, hook.sealedSecret);
      const send = outbound.fetchFor({
        name: "The webhook",
        isConfirmed: isConfirmed(store, hook.projectId),
        timeoutMs: limits.webhookTimeoutMs,
        isMessage: true,
      });
      const headers = {
        "content-type": "application/json",
        "user-agent": `Espalier/${version}`,
        ...signedHeaders(id, clock(), body, secret),
      };
      const response = await send(hook.url, { method: "POST", headers, body });
      await response.body?.cancel();
      const { status } = response;
      return { status, error: status >= 200 && status < 300 ? null : `It answered ${status}.` };
    } catch (error) {
      if (!isEspalierError(error)) log.warn("a webhook could not be called", { error });
      return { status: null, error: messageOf(error) };
    }
  }

  /** Tries a message once and notes what came of it. */
  async function attempt(id: string): Promise<DeliveryRow> {
    const [found] = await db
      .select()
      .from(webhookDeliveries)
      .innerJoin(webhooks, eq(webhooks.id, webhookDeliveries.webhookId))
      .where(eq(webhookDeliveries.id, id));
    if (!found) throw new Error(`the delivery ${id} is gone`);
    const { webhook_deliveries: delivery, webhooks: hook } = found;
    crashPoint("webhook.before");
    const answer = await post(hook, delivery);
    crashPoint("webhook.sent");
    const attempts = delivery.attempts + 1;
    const isOver = answer.error === null || delivery.nextAt === null || attempts >= limits.webhookAttempts;
    const nextAt = isOver ? null : clock() + waitAfter(attempts);
    const change = { ...answer, attempts, nextAt, triedAt: clock() };
    await store.write(
      (tx) => tx.update(webhookDeliveries).set(change).where(eq(webhookDeliveries.id, id)),
      "webhook.note",
    );
    return { ...delivery, ...change };
  }

  /** All that is due: webhooks side by side, so that a slow one holds up nobody else's. */
  async function postDue(signal: AbortSignal): Promise<void> {
    const due = await db
      .select({ id: webhookDeliveries.id, webhookId: webhookDeliveries.webhookId })
      .from(webhookDeliveries)
      .where(and(isNotNull(webhookDeliveries.nextAt), lte(webhookDeliveries.nextAt, clock())))
      .orderBy(asc(webhookDeliveries.nextAt), asc(webhookDeliveries.id))
      .limit(GROUP);
    const byHook = Map.groupBy(due, ({ webhookId }) => webhookId);
    await Promise.all(
      [...byHook.values()].map(async (group) => {
        for (const { id } of group) {
          if (signal.aborted) return;
          await attempt(id);
        }
      }),
    );
    // More than one group may be due.
    if (due.length === GROUP) bell.ring();
  }

  async function nextDue(): Promise<number | null> {
    const [row] = await db
      .select({ nextAt: webhookDeliveries.nextAt })
      .from(webhookDeliveries)
      .where(isNotNull(webhookDeliveries.nextAt))
      .orderBy(asc(webhookDeliveries.nextAt))
      .limit(1);
    return row?.nextAt ?? null;
  }

  async function loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const rings = bell.rings();
      try {
        await postDue(signal);
        const next = await nextDue();
        const waitMs = next === null ? LOOK_MS : Math.min(LOOK_MS, Math.max(0, next - clock()));
        await bell.wait(rings, waitMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn("messages to webhooks could not be looked at", { error });
        await bell.wait(bell.rings(), LOOK_MS, signal);
      }
    }
  }

  return {
    attempt,
    ring: bell.ring,
    start(): () => Promise<void> {
      const stopping = new AbortController();
      const running = loop(stopping.signal);
      return async () => {
        stopping.abort();
        await running;
      };
    },
  };
}
