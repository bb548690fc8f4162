// What was deleted within the last days: when, with what, and the way back.
import { Button } from "@mantine/core";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { When } from "../ui/bits.tsx";
import { kindOfNode } from "../ui/lineage.tsx";
import { ListPage } from "../ui/list-page.tsx";
import { bringBack } from "../ui/trash.tsx";

const trashQuery = graphql(`
  query Trash($trash: String) {
    trash(first: 200, after: $trash) { nodes { id kind name alongside deletedAt purgedAt } pageInfo { hasNextPage endCursor } }
  }
`);

export function TrashPage() {
  const reading = useData(trashQuery, {});
  return (
    <ListPage
      title={t("Deleted")}
      sentence={t("What was deleted can come back for seven days, with everything that went along.")}
      reading={reading}
      rows={reading.data?.trash.nodes}
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
            <Button size="xs" variant="default" onClick={() => void bringBack([r.id])}>
              {t("Bring {{name}} back", { name: r.name })}
            </Button>
          ),
        },
      ]}
    />
  );
}
