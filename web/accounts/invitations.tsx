// Invitations to the project that nobody has taken yet, each with its withdrawal.
import { Button } from "@mantine/core";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { When } from "../ui/bits.tsx";
import { ProblemNotice } from "../ui/states.tsx";
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
        <table className="e-table">
          <thead>
            <tr>
              <th>{t("For whom")}</th>
              <th>{t("Role")}</th>
              <th>{t("Made")}</th>
              <th>{t("Works until")}</th>
              <th>{t("Withdraw")}</th>
            </tr>
          </thead>
          <tbody>
            {reading.data.invitations.nodes.map((row) => (
              <tr key={row.id}>
                <td>{row.note || t("no note")}</td>
                <td>{roleWord(row.role)}</td>
                <td>
                  <When at={row.createdAt} />{" "}
                  {row.createdBy ? t("by {{name}}", { name: row.createdBy }) : null}
                </td>
                <td>
                  <When at={row.expiresAt} />
                </td>
                <td>
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={t("Withdraw the invitation {{note}}", { note: row.note })}
                    onClick={() => work.run(async () => void (await act(revokeInvitation, { id: row.id })))}
                  >
                    {t("Withdraw")}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
