// What was thought of replies: ratings, edits and votes with their models and what these were made from.
import { Group, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { z } from "zod";
import { useData } from "../api/data.ts";
import { useJudgedRows } from "../collect/judged-rows.tsx";
import { t } from "../i18n.ts";
import { pathOf } from "../paths.ts";
import { When } from "../ui/bits.tsx";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { ratedQuery } from "./queries.ts";

type Row = ResultOf<typeof ratedQuery>["feedback"]["nodes"][number];

const verdicts = {
  UP: t("Good reply"),
  DOWN: t("Bad reply"),
  EDITED: t("Mended by hand"),
  BETTER: t("One is better"),
  TIE: t("Equally good"),
  BAD: t("None is good"),
};
const verdictShape = z.enum(["UP", "DOWN", "EDITED", "BETTER", "TIE", "BAD"]);
const searchShape = z.object({
  verdict: verdictShape.optional().catch(undefined),
  model: z.string().optional().catch(undefined),
});

const wordOf = (verdict: string): string => {
  const known = verdictShape.safeParse(verdict.toUpperCase());
  return known.success ? verdicts[known.data] : verdict;
};

/** The models of what was judged, the chosen one marked; hidden while a blind comparison waits for its vote. */
function Models({ row }: { row: Row }) {
  if (row.conversation?.isBlind) return <span className="e-muted">{t("hidden until a vote")}</span>;
  return (
    <>
      {row.replies.map(({ message, model, modelId, isChosen, lineage }, index) => (
        <div key={message?.id ?? index}>
          <Text size="sm" fw={isChosen ? 600 : 400} span>
            {model ?? t("a model")}
            {isChosen && row.kind === "vote" ? ` · ${t("chosen")}` : ""}
          </Text>
          {lineage.length > 0 && modelId ? (
            <Text size="xs" c="dimmed">
              {t("from")}{" "}
              {lineage.map((node, at) => (
                <span key={node.id}>
                  {at > 0 ? ", " : ""}
                  <Link to={pathOf(node)}>{node.name}</Link>
                </span>
              ))}
            </Text>
          ) : null}
        </div>
      ))}
    </>
  );
}

const chosenText = (row: Row): string =>
  (row.replies.find((one) => one.isChosen) ?? row.replies[0])?.message?.text ?? "";

export function RatedPage() {
  const search = searchShape.parse(useSearch({ strict: false }));
  const navigate = useNavigate();
  const [typed, setTyped] = useState(search.model ?? "");
  const [model] = useDebouncedValue(typed.trim(), 300);
  const [pages, setPages] = useState(1);
  const verdict = search.verdict ?? null;
  const reading = useData(ratedQuery, { verdict, model: model || null }, pages);
  const rows = reading.data?.feedback.nodes ?? [];
  const judged = useJudgedRows(rows);
  const isFiltered = verdict !== null || model !== "";
  return (
    <Page
      title={t("Rated replies")}
      sentence={t("What people of this project thought of replies: they make datasets of preferences.")}
      action={
        <Group gap={8}>
          <TextInput
            aria-label={t("Only of this model")}
            placeholder={t("Only of this model")}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Select
            aria-label={t("Only what says")}
            placeholder={t("Whatever was said")}
            clearable
            data={Object.entries(verdicts).map(([value, label]) => ({ value, label }))}
            value={verdict}
            onChange={(value) =>
              void navigate({
                to: ".",
                search: (old: Record<string, unknown>) => ({ ...old, verdict: value ?? undefined }),
                replace: true,
              })
            }
          />
          {judged.button}
        </Group>
      }
    >
      <Loaded reading={reading}>
        {() =>
          rows.length === 0 ? (
            isFiltered ? (
              <Empty
                title={t("Nothing of the kind")}
                text={t("Nobody said this of a reply of this model.")}
              />
            ) : (
              <Empty
                title={t("Nothing was rated yet")}
                text={t("Thumbs, mended replies and votes in the chat are gathered here.")}
              />
            )
          ) : (
            <List
              rows={rows}
              label={t("Rated replies")}
              more={reading.data?.feedback.pageInfo.hasNextPage ? () => setPages(pages + 1) : null}
              searchText={(row) =>
                [row.note, row.conversation?.title, ...row.replies.map(({ message }) => message?.text)].join(
                  " ",
                )
              }
              columns={[
                { key: "choose", label: t("Chosen"), cell: (r) => judged.tick(r.id) },
                {
                  key: "verdict",
                  label: t("Verdict"),
                  sortBy: (r) => r.verdict,
                  cell: (r) => wordOf(r.verdict),
                },
                {
                  key: "reply",
                  label: t("Reply"),
                  cell: (r) => (
                    <>
                      <Text size="sm" lineClamp={2}>
                        {chosenText(r)}
                      </Text>
                      {r.note ? (
                        <Text size="xs" c="dimmed" lineClamp={2}>
                          “{r.note}”
                        </Text>
                      ) : null}
                    </>
                  ),
                },
                { key: "models", label: t("Model"), cell: (r) => <Models row={r} /> },
                {
                  key: "conversation",
                  label: t("Conversation"),
                  cell: (r) =>
                    r.conversation ? (
                      <Link to={`/chat/${r.conversation.id}`}>{r.conversation.title}</Link>
                    ) : (
                      <span className="e-muted">–</span>
                    ),
                },
                {
                  key: "when",
                  label: t("When"),
                  sortBy: (r) => r.createdAt,
                  cell: (r) => <When at={r.createdAt} />,
                },
              ]}
            />
          )
        }
      </Loaded>
    </Page>
  );
}
