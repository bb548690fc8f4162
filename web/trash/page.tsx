// What was deleted within the last days: when, with what, the way back, and the end before its time.
import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { Gate, type Scope, useWhyNot } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { When } from "../ui/bits.tsx";
import { ConfirmDialog } from "../ui/confirm.tsx";
import { useFocusBack } from "../ui/focus-back.ts";
import { kindOfNode } from "../ui/lineage.tsx";
import { ListPage } from "../ui/list-page.tsx";
import { bringBack, purgeThing } from "../ui/trash.tsx";

const trashQuery = graphql(`
  query Trash($trash: String) {
    trash(first: 200, after: $trash) { nodes { id kind name scope alongside deletedAt purgedAt } pageInfo { hasNextPage endCursor } }
  }
`);

type Entry = { id: string; kind: string; name: string; alongside: readonly string[] };

function PurgeDialog({ entries, onClose }: { entries: readonly Entry[]; onClose: () => void }) {
  useFocusBack();
  const [first] = entries;
  const one = entries.length === 1 ? first : undefined;
  const purge = async () => {
    for (const { id } of entries) await act(purgeThing, { id });
    const count = entries.length;
    const message = one
      ? t("{{name}} is gone for good", { name: one.name })
      : t("{{count}} things are gone for good", { count });
    notifications.show({ message, color: "gray" });
  };
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={one ? t("Delete {{name}} for good?", { name: one.name }) : t("Empty the trash?")}
      confirm={t("Delete for good")}
      run={purge}
    >
      <Text size="sm">
        {one
          ? t("It cannot come back, and neither can what went along with it.")
          : t("{{count}} things cannot come back, and neither can what went along with them.", {
              count: entries.length,
            })}
      </Text>
      {one && one.alongside.length > 0 ? (
        <Text size="sm" c="dimmed" mt={8}>
          {one.alongside.join(", ")}
        </Text>
      ) : null}
    </ConfirmDialog>
  );
}

export function TrashPage() {
  const reading = useData(trashQuery, {});
  const [ending, setEnding] = useState<readonly Entry[]>([]);
  const why = useWhyNot();
  const rows = reading.data?.trash.nodes;
  const mine = rows?.filter(({ scope }) => why(scope as Scope) === null) ?? [];
  return (
    <>
      {ending.length > 0 ? <PurgeDialog entries={ending} onClose={() => setEnding([])} /> : null}
      <ListPage
        title={t("Deleted")}
        sentence={t("What was deleted can come back for seven days, with everything that went along.")}
        reading={reading}
        rows={rows}
        aside={
          mine.length > 0 ? (
            <Button variant="subtle" color="red" c="var(--e-red)" onClick={() => setEnding(mine)}>
              {t("Empty the trash")}
            </Button>
          ) : null
        }
        empty={{
          title: t("Nothing was deleted"),
          text: t(
            "Models, providers, datasets, trainings, aliases, knowledge bases, documents, conversations and images that are deleted wait here before they go for good.",
          ),
        }}
        searchText={(row) => `${row.name} ${row.alongside.join(" ")}`}
        columns={[
          { key: "name", label: t("Name"), sortBy: (r) => r.name, cell: (r) => r.name },
          { key: "kind", label: t("Kind"), sortBy: (r) => r.kind, cell: (r) => kindOfNode(r.kind) },
          {
            key: "alongside",
            label: t("With it"),
            cell: (r) => r.alongside.join(", ") || <span className="e-muted">–</span>,
          },
          {
            key: "deleted",
            label: t("Deleted"),
            sortBy: (r) => r.deletedAt,
            cell: (r) => <When at={r.deletedAt} />,
          },
          {
            key: "purged",
            label: t("Gone for good"),
            sortBy: (r) => r.purgedAt,
            cell: (r) => <When at={r.purgedAt} />,
          },
          {
            key: "back",
            label: t("Way back"),
            cell: (r) => (
              <Gate scope={r.scope as Scope}>
                <Group gap={8} wrap="nowrap">
                  <Button size="xs" variant="default" onClick={() => void bringBack([r.id])}>
                    {t("Bring {{name}} back", { name: r.name })}
                  </Button>
                  <Button
                    size="xs"
                    variant="subtle"
                    color="red"
                    c="var(--e-red)"
                    aria-label={t("Delete for good: {{name}}", { name: r.name })}
                    onClick={() => setEnding([r])}
                  >
                    {t("Delete for good")}
                  </Button>
                </Group>
              </Gate>
            ),
          },
        ]}
      />
    </>
  );
}
