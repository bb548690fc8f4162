// Deleting into the trash, and the way back: a notice with undo for the moment, and what the page of deleted things asks.
import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { act } from "../api/client.ts";
import { refreshAll } from "../api/data.ts";
import { sentencesOf, toProblem } from "../api/errors.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";

export const deleteThing = graphql(`
  mutation DeleteThing($id: ID!, $confirm: Boolean) {
    delete(id: $id, confirm: $confirm) {
      __typename
      ... on DeleteSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);
const undeleteThing = graphql(`
  mutation UndeleteThing($id: ID!) {
    undelete(id: $id) {
      __typename
      ... on UndeleteSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);

export const purgeThing = graphql(`
  mutation PurgeThing($id: ID!) {
    purge(id: $id) {
      __typename
      ... on PurgeSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);

/** How long a notice with a way back stays. */
const UNDO_MS = 12_000;

/** Says that things are gone, with a button that brings them back. */
export function sayDeleted(message: string, ids: readonly string[]): void {
  const id = notifications.show({
    message: (
      <Group justify="space-between" wrap="nowrap">
        {message}
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            notifications.hide(id);
            void bringBack(ids);
          }}
        >
          {t("Undo")}
        </Button>
      </Group>
    ),
    color: "gray",
    autoClose: UNDO_MS,
  });
}

/** Brings deleted things back, the last one first, and says how that went. */
export async function bringBack(ids: readonly string[]): Promise<void> {
  for (const id of ids.toReversed())
    try {
      const { name } = await act(undeleteThing, { id });
      notifications.show({ message: t("{{name}} is back", { name }), color: "gray" });
    } catch (thrown) {
      notifications.show({ message: sentencesOf(toProblem(thrown)), color: "red" });
    }
  refreshAll();
}
