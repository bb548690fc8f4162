// Trainers: the machines that train for this server, and how to add one.
import { Stack } from "@mantine/core";
import { z } from "zod";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { When } from "../ui/bits.tsx";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { Pill } from "../ui/status.tsx";
import { AddTrainerButton, isOnline } from "./add-trainer.tsx";

const trainersQuery = graphql(`
  query Trainers($trainers: String) {
    trainers(first: 200, after: $trainers) { nodes { id name host devices status methods lastSeenAt runId } pageInfo { hasNextPage endCursor } }
    processMap { trainerHint }
  }
`);

const deviceList = z.object({
  devices: z.array(z.looseObject({ kind: z.string(), name: z.string().nullish() })),
});

/** "cuda NVIDIA L4, cpu"; what it trains on, as it said when it checked in. */
function deviceText(devices: unknown): string {
  const read = deviceList.safeParse(devices);
  if (!read.success) return "–";
  return read.data.devices.map(({ kind, name }) => [kind, name].filter(Boolean).join(" ")).join(", ");
}

export function TrainersPage() {
  const reading = useData(trainersQuery, {});
  return (
    <Page
      title={t("Trainers")}
      sentence={t("Machines that train for this server; they ask it for work, it never reaches into them.")}
      action={<AddTrainerButton variant="filled" />}
      needs="admin"
    >
      <Stack gap={16}>
        <Loaded reading={reading}>
          {(data) =>
            data.trainers.nodes.length === 0 ? (
              <Empty
                title={t("No trainer has checked in")}
                text={
                  data.processMap.trainerHint
                    ? said(data.processMap.trainerHint)
                    : t("Chat, deploy and register work without one; training needs one.")
                }
                action={<AddTrainerButton />}
              />
            ) : (
              <List
                rows={data.trainers.nodes}
                label={t("Trainers")}
                searchText={(row) => `${row.name} ${row.host}`}
                columns={[
                  { key: "name", label: t("Name"), sortBy: (r) => r.name, cell: (r) => r.name },
                  { key: "host", label: t("Host"), cell: (r) => r.host },
                  {
                    key: "status",
                    label: t("Status"),
                    cell: (r) => (
                      <Pill tone={r.runId ? "amber" : isOnline(r) ? "leaf" : "plain"}>
                        {r.runId ? t("training") : r.status}
                      </Pill>
                    ),
                  },
                  { key: "devices", label: t("Devices"), cell: (r) => deviceText(r.devices) },
                  { key: "methods", label: t("Methods"), cell: (r) => r.methods.join(", ") },
                  { key: "seen", label: t("Last seen"), cell: (r) => <When at={r.lastSeenAt} /> },
                ]}
              />
            )
          }
        </Loaded>
      </Stack>
    </Page>
  );
}
