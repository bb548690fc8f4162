// Suites: every one with what it holds and how often it was run.
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { count } from "../ui/format.ts";
import { ListPage } from "../ui/list-page.tsx";
import { createdColumn, nameColumn } from "../ui/things.tsx";
import { suitesQuery } from "./queries.ts";

export function SuitesPage() {
  const reading = useData(suitesQuery, {});
  return (
    <ListPage
      title={t("Suites")}
      sentence={t("Assessments that are asked again of every new candidate, so that scores stay comparable.")}
      action={
        <Button component={Link} to="/assessments">
          {t("Choose an assessment")}
        </Button>
      }
      reading={reading}
      rows={reading.data?.suites.nodes}
      empty={{
        title: t("No suite yet"),
        text: t("Open an assessment and add it to a suite: it keeps the question, the rows and the graders."),
      }}
      searchText={(row) => `${row.name} ${row.entries.map(({ name }) => name).join(" ")}`}
      openPath={(row) => `/suites/${row.id}`}
      nameToDelete={(row) => row.name}
      columns={[
        nameColumn("/suites"),
        {
          key: "entries",
          label: t("Entries"),
          cell: (row) => row.entries.map(({ name }) => name).join(", ") || "–",
        },
        {
          key: "runs",
          label: t("Runs"),
          isNumber: true,
          sortBy: (row) => row.runCount,
          cell: (row) => count(row.runCount),
        },
        createdColumn(t("Made")),
      ]}
    />
  );
}
