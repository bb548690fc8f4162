// The tab that measures: labelled questions, several ways of asking side by side, and what was measured last.
import { Button, Group, NumberInput, Select, Stack, Text } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { exactTime } from "../ui/format.ts";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { RunProgress } from "../ui/status.tsx";
import type { KnowledgeBase } from "./detail-page.tsx";
import {
  type EvaluationNode,
  evaluationsQuery,
  labelledQuestionsQuery,
  startEvaluation,
} from "./measure-queries.ts";
import { Questions } from "./measure-questions.tsx";
import { letterOf, Results } from "./measure-results.tsx";
import { type Retrieval, RetrievalFields, retrievalOf } from "./settings-form.tsx";

const MOST_WAYS = 4;
/** What a knowledge base is asked with now, with no field left out. */
export const ownRetrieval = ({ retrieval }: KnowledgeBase): Retrieval =>
  retrievalOf({ ...retrieval, reranker: retrieval.reranker ?? "" });

export function Measure(props: { base: KnowledgeBase }) {
  const { base } = props;
  const questions = useData(labelledQuestionsQuery, { id: base.id });
  const evaluations = useData(evaluationsQuery, { id: base.id });
  return (
    <Stack gap={16}>
      <Loaded reading={questions} rows={3}>
        {({ knowledgeBase }) => {
          const labelled = knowledgeBase?.questions.nodes ?? [];
          return (
            <>
              <Questions base={base} questions={labelled} />
              {labelled.length > 0 ? <Ways base={base} count={labelled.length} /> : null}
            </>
          );
        }}
      </Loaded>
      <Loaded reading={evaluations} rows={2}>
        {({ knowledgeBase }) => <Measured base={base} evaluations={knowledgeBase?.evaluations.nodes ?? []} />}
      </Loaded>
    </Stack>
  );
}

/** The ways to compare, from the knowledge base's own and one that differs in what finds. */
function Ways(props: { base: KnowledgeBase; count: number }) {
  const { base } = props;
  const own = ownRetrieval(base);
  const [ways, setWays] = useState<Retrieval[]>([
    own,
    { ...own, ranker: own.ranker === "HYBRID" ? "WORDS" : "HYBRID" },
  ]);
  const [k, setK] = useState(10);
  const work = useWork();
  const change = (at: number, to: Partial<Retrieval>): void =>
    setWays((old) => old.map((way, place) => (place === at ? { ...way, ...to } : way)));
  return (
    <Surface title={t("Ways of asking, side by side")}>
      <Gate scope="write">
        <Stack gap={12}>
          {ways.map((way, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a way is its place
            <section key={at} className="e-way" aria-label={t("Way {{letter}}", { letter: letterOf(at) })}>
              <Group justify="space-between" gap={8} mb={4}>
                <Text size="sm" fw={600}>
                  {t("Way {{letter}}", { letter: letterOf(at) })}
                </Text>
                {ways.length > 1 ? (
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    color="gray"
                    leftSection={<IconTrash size={14} aria-hidden />}
                    onClick={() => setWays((old) => old.filter((_, place) => place !== at))}
                  >
                    {t("Remove way {{letter}}", { letter: letterOf(at) })}
                  </Button>
                ) : null}
              </Group>
              <RetrievalFields values={way} onChange={(to) => change(at, to)} />
            </section>
          ))}
          {work.problem ? <ProblemNotice problem={work.problem} /> : null}
          <Group justify="space-between" align="flex-end" gap={12}>
            <Button
              variant="default"
              leftSection={<IconPlus size={16} aria-hidden />}
              disabled={ways.length >= MOST_WAYS}
              title={ways.length >= MOST_WAYS ? t("Four ways at most.") : undefined}
              onClick={() => setWays((old) => [...old, { ...(old.at(-1) ?? own) }])}
            >
              {t("Add a way")}
            </Button>
            <Group align="flex-end" gap={12}>
              <NumberInput
                label={t("Ranks that count")}
                min={1}
                max={50}
                w={130}
                value={k}
                onChange={(value) => setK(Number(value) || 10)}
              />
              <Button
                loading={work.isBusy}
                onClick={() =>
                  void work.run(async () => {
                    const input = { knowledgeBase: base.id, k, settings: ways.map(retrievalOf) };
                    await act(startEvaluation, { input });
                  })
                }
              >
                {t("Measure {{count}} questions", { count: props.count })}
              </Button>
            </Group>
          </Group>
        </Stack>
      </Gate>
    </Surface>
  );
}

/** The newest measurement, or another that is chosen. */
function Measured(props: { base: KnowledgeBase; evaluations: EvaluationNode[] }) {
  const { base, evaluations } = props;
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = evaluations.find(({ id }) => id === chosen) ?? evaluations[0];
  if (!shown) return null;
  const { run } = shown;
  return (
    <Surface
      title={t("What was measured")}
      aside={
        evaluations.length > 1 ? (
          <Select
            aria-label={t("Measurement")}
            size="xs"
            w={230}
            data={evaluations.map(({ id, createdAt }) => ({ value: id, label: exactTime(createdAt) }))}
            value={shown.id}
            allowDeselect={false}
            onChange={setChosen}
          />
        ) : null
      }
    >
      {run && run.status !== "SUCCEEDED" ? (
        <RunProgress run={run} />
      ) : run ? (
        <Results base={base} id={shown.id} />
      ) : (
        <Empty title={t("Its run is gone")} text={t("Measure again to see figures.")} />
      )}
    </Surface>
  );
}
