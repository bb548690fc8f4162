// Trainers: the machines that train for this server, and how to add one.
import { Stack } from "@mantine/core";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { Ago } from "../ui/ago.tsx";
import { When } from "../ui/bits.tsx";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { Pill } from "../ui/status.tsx";
import { AddTrainerButton } from "./add-trainer.tsx";
import { deviceList } from "./devices.ts";

const trainersQuery = graphql(`
  query Trainers($trainers: String) {
    trainers(first: 200, after: $trainers) { nodes { id name host devices status silentMs methods lastSeenAt runId } pageInfo { hasNextPage endCursor } }
    processMap { trainerHint }
  }
`);

/** "cuda NVIDIA L4, cpu"; what it trains on, as it said when it checked in. */
function deviceText(devices: unknown): string {
  const read = deviceList(devices).devices;
  return read.map(({ kind, name }) => [kind, name].filter(Boolean).join(" ")).join(", ") || "–";
}

/** Connected, not heard from for some seconds, or gone; and whether it trains. */
function Presence(props: { trainer: { status: string; silentMs: number; runId: string | null } }) {
  const { status, silentMs, runId } = props.trainer;
  if (status === "away") return <Pill tone="plain">{t("gone")}</Pill>;
  if (status === "silent")
    return (
      <span className="e-pill" data-tone="red">
        <Ago ms={silentMs} say={(ago) => t("not heard from for {{ago}}", { ago })} />
      </span>
    );
  if (runId) return <Pill tone="amber">{t("training")}</Pill>;
  return <Pill tone="leaf">{status === "busy" ? t("busy elsewhere") : t("idle")}</Pill>;
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
                    cell: (r) => <Presence trainer={r} />,
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
