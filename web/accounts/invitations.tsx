// Invitations to the project that nobody has taken yet, each with its withdrawal.
import { Button } from "@mantine/core";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { Made, When } from "../ui/bits.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import { roleWord } from "./viewer.tsx";

const invitationsQuery = graphql(`
  query Invitations($invitations: String) {
    invitations(first: 200, after: $invitations) { nodes { id role note createdAt createdBy expiresAt } pageInfo { hasNextPage endCursor } }
  }
`);
const revokeInvitation = graphql(`
  mutation RevokeInvitation($id: ID!) {
    revokeInvitation(id: $id) { __typename ... on InvitationSuccess { invitation { id } } ... on UserError { code message hint field value } }
  }
`);

export function Invitations() {
  const reading = useData(invitationsQuery, {});
  const work = useWork();
  if (!reading.data || reading.data.invitations.nodes.length === 0) return null;
  return (
    <div>
      <h2>{t("Open invitations")}</h2>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <section className="e-surface e-scroll" aria-label={t("Open invitations")}>
        <Table
          rows={reading.data.invitations.nodes}
          idOf={(row) => row.id}
          columns={[
            { label: t("For whom"), cell: (row) => row.note || t("no note") },
            { label: t("Role"), cell: (row) => roleWord(row.role) },
            { label: t("Made"), cell: (row) => <Made at={row.createdAt} by={row.createdBy} /> },
            { label: t("Works until"), cell: (row) => <When at={row.expiresAt} /> },
            {
              label: t("Withdraw"),
              cell: (row) => (
                <Button
                  size="compact-xs"
                  variant="default"
                  aria-label={t("Withdraw the invitation {{note}}", { note: row.note })}
                  onClick={() => work.run(async () => void (await act(revokeInvitation, { id: row.id })))}
                >
                  {t("Withdraw")}
                </Button>
              ),
            },
          ]}
        />
      </section>
    </div>
  );
}
