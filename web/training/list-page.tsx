// Trainings: every one with its data, its status and what it made.
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { tookText } from "../ui/format.ts";
import { ListPage } from "../ui/list-page.tsx";
import { RunPill } from "../ui/status.tsx";
import { createdColumn, nameColumn } from "../ui/things.tsx";
import { trainingsQuery } from "./queries.ts";

const trainButton = (
  <Button component={Link} to="/train">
    {t("Train")}
  </Button>
);

export function TrainingsPage() {
  const reading = useData(trainingsQuery, {});
  return (
    <ListPage
      title={t("Trainings")}
      sentence={t("Every training with its data, its parameters and what it made.")}
      action={trainButton}
      reading={reading}
      rows={reading.data?.trainings.nodes}
      empty={{
        title: t("No training yet"),
        text: t("Pick a base model and a dataset, keep the defaults, and watch the loss fall."),
      }}
      searchText={(row) => `${row.name} ${row.base.name} ${row.method}`}
      openPath={(row) => `/trainings/${row.id}`}
      columns={[
        nameColumn("/trainings"),
        {
          key: "status",
          label: t("Status"),
          sortBy: (r) => r.run.status,
          cell: (r) => <RunPill run={r.run} />,
        },
        {
          key: "base",
          label: t("Base model"),
          sortBy: (r) => r.base.name,
          cell: (r) => <Link to={`/base-models/${r.base.id}`}>{r.base.name}</Link>,
        },
        {
          key: "rows",
          label: t("Rows"),
          isNumber: true,
          cell: (r) => r.datasetVersion?.rowCount ?? "–",
        },
        {
          key: "made",
          label: t("Made"),
          cell: (r) =>
            r.customized ? <Link to={`/customized/${r.customized.id}`}>{r.customized.name}</Link> : "–",
        },
        { key: "took", label: t("Took"), isNumber: true, cell: (r) => tookText(r.run) },
        createdColumn(t("Started")),
      ]}
    />
  );
}
