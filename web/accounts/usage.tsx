// What calls of models took, by day, caller and model: of all keys and people, or of one key.
import { Button, Select, Stack } from "@mantine/core";
import { useState } from "react";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { count, dollars, seconds } from "../ui/format.ts";
import { Empty, Loaded } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";

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
                <section className="e-scroll" {...reachable} aria-label={t("Usage")}>
                  <Table
                    rows={usage.nodes}
                    idOf={(day) => `${day.day} ${day.keyId ?? day.userId} ${day.source} ${day.model}`}
                    columns={[
                      {
                        label: t("Day"),
                        cell: ({ day }) => <span style={{ whiteSpace: "nowrap" }}>{day}</span>,
                      },
                      { label: t("Who"), cell: ({ caller }) => caller ?? t("the server") },
                      { label: t("Model"), cell: ({ model }) => model },
                      { label: t("Where"), cell: ({ source }) => doors[source] ?? source },
                      { label: t("Requests"), isNumber: true, cell: ({ requests }) => count(requests) },
                      {
                        label: t("Tokens in"),
                        isNumber: true,
                        cell: ({ inputTokens }) => count(inputTokens),
                      },
                      {
                        label: t("Tokens out"),
                        isNumber: true,
                        cell: ({ outputTokens }) => count(outputTokens),
                      },
                      {
                        label: t("Cost"),
                        isNumber: true,
                        cell: ({ costUsd }) => (costUsd === null ? "–" : dollars(costUsd)),
                      },
                      { label: t("Mean time"), isNumber: true, cell: ({ latencyMs }) => seconds(latencyMs) },
                    ]}
                  />
                </section>
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
