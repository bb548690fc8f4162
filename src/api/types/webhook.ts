// The webhook of a project, for its admins: address, signing secret, what is posted, and what became of it.
import { limits } from "../../kit/limits.ts";
import type { DeliveryRow, WebhookRow } from "../../notifications/notifications.ts";
import { builder, needs } from "../builder.ts";
import { resultUnion } from "./common.ts";
import { NotificationKind } from "./notifications.ts";

const WebhookDelivery = builder.objectRef<DeliveryRow>("WebhookDelivery").implement({
  description: "A message to the webhook.",
  extensions: needs("admin"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id, sent as webhook-id: the same however often it is sent." }),
    kind: t.exposeString("kind", { description: "What it tells: a kind of notification, or test." }),
    attempts: t.exposeInt("attempts", { description: "How often it was tried." }),
    status: t.exposeInt("status", {
      nullable: true,
      description: "HTTP status of the latest answer; null where there was none.",
    }),
    error: t.exposeString("error", { nullable: true, description: "Why the latest try failed." }),
    nextAt: t.expose("nextAt", {
      type: "DateTime",
      nullable: true,
      description: "When it is tried next; null once it was taken in or given up.",
    }),
    triedAt: t.expose("triedAt", {
      type: "DateTime",
      nullable: true,
      description: "When it was tried last.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it happened." }),
  }),
});

const Webhook = builder.objectRef<WebhookRow>("Webhook").implement({
  description: "Where a project's events are posted, signed as the Standard Webhooks specification says.",
  extensions: needs("admin"),
  fields: (t) => ({
    url: t.exposeString("url", { description: "The address." }),
    kinds: t.field({
      type: [NotificationKind],
      description: "What is posted.",
      resolve: ({ kinds }) => kinds,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was set." }),
    createdBy: t.string({
      nullable: true,
      description: "Who set it.",
      resolve: ({ createdBy }, _, { accounts }) => accounts.nameOf(createdBy),
    }),
    deliveries: t.field({
      type: [WebhookDelivery],
      description: `The latest messages, newest first: a list of ${limits.webhookDeliveries} at most.`,
      resolve: ({ id }, _, { notifications }) => notifications.deliveriesOf(id),
    }),
  }),
});

const WebhookResult = resultUnion<{ webhook: WebhookRow; secret: string | null }>(
  "Webhook",
  "The webhook as it now is.",
  (t) => ({
    webhook: t.field({ type: Webhook, description: "The webhook.", resolve: ({ webhook }) => webhook }),
    secret: t.exposeString("secret", {
      nullable: true,
      description: "The secret that signs its messages, only when it was just made: keep it now.",
    }),
  }),
);
const TestWebhookResult = resultUnion<{ delivery: DeliveryRow }>(
  "TestWebhook",
  "What became of the test.",
  (t) => ({
    delivery: t.field({
      type: WebhookDelivery,
      description: "The message.",
      resolve: ({ delivery }) => delivery,
    }),
  }),
);
const RemoveWebhookResult = resultUnion<{ url: string }>("RemoveWebhook", "What is gone.", (t) => ({
  url: t.exposeString("url", { description: "The address to which nothing is posted any more." }),
}));

const SetWebhookInput = builder.inputType("SetWebhookInput", {
  description: "The webhook of the project.",
  fields: (t) => ({
    url: t.string({ required: true, description: "Where messages are posted, over https or http." }),
    kinds: t.field({ type: [NotificationKind], description: "What is posted; everything when unsaid." }),
    allowPrivate: t.boolean({
      description:
        "Confirms that this host and port may be called although the address is this machine's or its private network's.",
    }),
  }),
});

builder.queryField("webhook", (t) =>
  t.field({
    type: Webhook,
    nullable: true,
    description: "The project's webhook; null where none is set.",
    extensions: needs("admin"),
    resolve: (_, _args, { notifications, principal }) => notifications.findWebhook(principal.projectId),
  }),
);

builder.mutationFields((t) => ({
  setWebhook: t.field({
    type: WebhookResult.union,
    description:
      "Sets where the project's events are posted. Refuses with ADDRESS_PRIVATE an address of this machine or its private network, unless `allowPrivate`.",
    extensions: needs("admin"),
    args: { input: t.arg({ type: SetWebhookInput, required: true, description: "The webhook." }) },
    resolve: (_, { input }, { notifications, principal }) =>
      WebhookResult.run(() =>
        notifications.setWebhook({
          ...input,
          projectId: principal.projectId,
          byId: principal.userId ?? principal.keyId,
          by: principal.name,
        }),
      ),
  }),
  renewWebhookSecret: t.field({
    type: WebhookResult.union,
    description: "Makes another secret that signs the messages; the old one is void at once.",
    extensions: needs("admin"),
    resolve: (_, _args, { notifications, principal }) =>
      WebhookResult.run(() => notifications.renewWebhookSecret(principal.projectId)),
  }),
  testWebhook: t.field({
    type: TestWebhookResult.union,
    description: "Posts a message that says it is a test, once.",
    extensions: needs("admin"),
    resolve: (_, _args, { notifications, principal }) =>
      TestWebhookResult.run(async () => ({
        delivery: await notifications.testWebhook(principal.projectId, principal.name),
      })),
  }),
  removeWebhook: t.field({
    type: RemoveWebhookResult.union,
    description: "Posts nothing any more, and forgets the address and the messages.",
    extensions: needs("admin"),
    resolve: (_, _args, { notifications, principal }) =>
      RemoveWebhookResult.run(() => notifications.removeWebhook(principal.projectId)),
  }),
}));
