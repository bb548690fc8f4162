// What calls of models took, by day, caller and model: of all keys and people, or of one key.
import { Button, Select, Stack, Table } from "@mantine/core";
import { useState } from "react";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { count, dollars, seconds } from "../ui/format.ts";
import { Empty, Loaded } from "../ui/states.tsx";

const usageQuery = graphql(`
  query Usage($keyId: ID, $usage: String) {
    usage(first: 50, after: $usage, keyId: $keyId) {
      nodes { day keyId userId caller model source requests inputTokens outputTokens costUsd latencyMs }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const doors: Record<string, string> = {
  v1: t("at /v1"),
  chat: t("in chat"),
  knowledge: t("for knowledge bases"),
  assessment: t("for assessments"),
  image: t("for images"),
  test: t("testing a provider"),
};

/** `keys` are those that one may choose among. */
export function UsageTable({ keys }: { keys: readonly { id: string; name: string }[] }) {
  const [keyId, setKeyId] = useState<string | null>(null);
  const [pages, setPages] = useState(1);
  const reading = useData(usageQuery, { keyId }, pages);
  return (
    <Surface title={t("Usage")}>
      <Stack gap={12}>
        <Select
          label={t("Whose")}
          value={keyId ?? ""}
          onChange={(value) => {
            setKeyId(value || null);
            setPages(1);
          }}
          data={[
            { value: "", label: t("All keys and people") },
            ...keys.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          allowDeselect={false}
          maw={320}
        />
        <Loaded reading={reading}>
          {({ usage }) =>
            usage.nodes.length === 0 ? (
              <Empty
                title={t("Nothing used yet")}
                text={t("Replies and vectors are counted here as soon as a model is asked.")}
              />
            ) : (
              <>
                <Table.ScrollContainer minWidth={720}>
                  <Table fz={14} verticalSpacing={6}>
                    <Table.Thead>
                      <Table.Tr>
                        <Table.Th>{t("Day")}</Table.Th>
                        <Table.Th>{t("Who")}</Table.Th>
                        <Table.Th>{t("Model")}</Table.Th>
                        <Table.Th>{t("Where")}</Table.Th>
                        <Table.Th ta="right">{t("Requests")}</Table.Th>
                        <Table.Th ta="right">{t("Tokens in")}</Table.Th>
                        <Table.Th ta="right">{t("Tokens out")}</Table.Th>
                        <Table.Th ta="right">{t("Cost")}</Table.Th>
                        <Table.Th ta="right">{t("Mean time")}</Table.Th>
                      </Table.Tr>
                    </Table.Thead>
                    <Table.Tbody>
                      {usage.nodes.map((day) => (
                        <Table.Tr key={`${day.day} ${day.keyId ?? day.userId} ${day.source} ${day.model}`}>
                          <Table.Td style={{ whiteSpace: "nowrap" }}>{day.day}</Table.Td>
                          <Table.Td>{day.caller ?? t("the server")}</Table.Td>
                          <Table.Td>{day.model}</Table.Td>
                          <Table.Td>{doors[day.source] ?? day.source}</Table.Td>
                          <Table.Td ta="right">{count(day.requests)}</Table.Td>
                          <Table.Td ta="right">{count(day.inputTokens)}</Table.Td>
                          <Table.Td ta="right">{count(day.outputTokens)}</Table.Td>
                          <Table.Td ta="right">{day.costUsd === null ? "–" : dollars(day.costUsd)}</Table.Td>
                          <Table.Td ta="right">{seconds(day.latencyMs)}</Table.Td>
                        </Table.Tr>
                      ))}
                    </Table.Tbody>
                  </Table>
                </Table.ScrollContainer>
                {usage.pageInfo.hasNextPage ? (
                  <Button
                    variant="default"
                    onClick={() => setPages(pages + 1)}
                    style={{ alignSelf: "start" }}
                  >
                    {t("Show more")}
                  </Button>
                ) : null}
              </>
            )
          }
        </Loaded>
      </Stack>
    </Surface>
  );
}
