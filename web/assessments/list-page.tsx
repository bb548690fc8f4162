// Assessments: every one with who was asked what, and how far it is.
import { Button, Group } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { count } from "../ui/format.ts";
import { ListPage } from "../ui/list-page.tsx";
import { RunPill } from "../ui/status.tsx";
import { createdColumn, nameColumn } from "../ui/things.tsx";
import { assessmentsQuery } from "./queries.ts";

const assessButton = (
  <Group gap={8}>
    <Button component={Link} to="/suites" variant="default">
      {t("Suites")}
    </Button>
    <Button component={Link} to="/gates" variant="default">
      {t("Gates")}
    </Button>
    <Button component={Link} to="/assess">
      {t("Assess models")}
    </Button>
  </Group>
);

export function AssessmentsPage() {
  const reading = useData(assessmentsQuery, {});
  return (
    <ListPage
      title={t("Assessments")}
      sentence={t("Models asked about the same rows, scored, and compared with how sure that is.")}
      action={assessButton}
      reading={reading}
      rows={reading.data?.assessments.nodes}
      empty={{
        title: t("Nothing is assessed yet"),
        text: t("Choose a dataset with right answers and the models that should answer it."),
      }}
      searchText={(row) => `${row.name} ${row.dataset} ${row.candidates.map(({ name }) => name).join(" ")}`}
      openPath={(row) => `/assessments/${row.id}`}
      nameToDelete={(row) => row.name}
      columns={[
        nameColumn("/assessments"),
        {
          key: "status",
          label: t("Status"),
          sortBy: (row) => row.run?.status ?? "",
          cell: (row) => (row.run ? <RunPill run={row.run} /> : "–"),
        },
        { key: "dataset", label: t("Dataset"), sortBy: (row) => row.dataset, cell: (row) => row.dataset },
        {
          key: "rows",
          label: t("Rows"),
          isNumber: true,
          cell: (row) => (row.rowCount === null ? "–" : count(row.rowCount)),
        },
        {
          key: "candidates",
          label: t("Candidates"),
          cell: (row) => row.candidates.map(({ name }) => name).join(", "),
        },
        createdColumn(t("Started")),
      ]}
    />
  );
}
