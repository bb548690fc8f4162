// What the bell and the settings ask and say.
import { graphql } from "../api/graphql.ts";

export const unreadQuery = graphql(`
  query Unread { unreadNotifications notificationPreferences { kind inBell inBrowser } }
`);
export const listQuery = graphql(`
  query Notifications($notifications: String) {
    notifications(first: 50, after: $notifications) {
      nodes { id kind name runKind message by role bytes createdAt readAt next { verb name path } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
export const readNotifications = graphql(`
  mutation ReadNotifications($ids: [ID!]) {
    readNotifications(ids: $ids) {
      __typename ... on ReadNotificationsSuccess { read unread } ... on UserError { code message hint field value }
    }
  }
`);
export const setPreference = graphql(`
  mutation SetNotificationPreference($kind: NotificationKind!, $inBell: Boolean!, $inBrowser: Boolean!) {
    setNotificationPreference(kind: $kind, inBell: $inBell, inBrowser: $inBrowser) {
      __typename ... on NotificationPreferencesSuccess { preferences { kind } } ... on UserError { code message hint field value }
    }
  }
`);
export const webhookQuery = graphql(`
  query Webhook {
    webhook { url kinds createdAt createdBy deliveries { id kind attempts status error nextAt triedAt createdAt } }
  }
`);
export const setWebhook = graphql(`
  mutation SetWebhook($input: SetWebhookInput!) {
    setWebhook(input: $input) {
      __typename ... on WebhookSuccess { secret webhook { url } } ... on UserError { code message hint field value }
    }
  }
`);
export const renewWebhookSecret = graphql(`
  mutation RenewWebhookSecret {
    renewWebhookSecret { __typename ... on WebhookSuccess { secret webhook { url } } ... on UserError { code message hint field value } }
  }
`);
export const testWebhook = graphql(`
  mutation TestWebhook {
    testWebhook {
      __typename ... on TestWebhookSuccess { delivery { id status error } } ... on UserError { code message hint field value }
    }
  }
`);
export const removeWebhook = graphql(`
  mutation RemoveWebhook {
    removeWebhook { __typename ... on RemoveWebhookSuccess { url } ... on UserError { code message hint field value } }
  }
`);
