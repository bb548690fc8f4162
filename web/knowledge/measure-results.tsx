// What one measurement found: figures with intervals as table and chart, paired differences, and each question.
import { Button, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { Link } from "@tanstack/react-router";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { reachable } from "../ui/bits.tsx";
import { thousandths } from "../ui/format.ts";
import { IntervalBar } from "../ui/interval.tsx";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import type { KnowledgeBase } from "./detail-page.tsx";
import { type Result, resultsQuery } from "./measure-queries.ts";
import { updateKnowledgeBase } from "./queries.ts";
import { RerankerName, rankers, retrievalOf } from "./settings-form.tsx";

type Mean = Result["recall"];
type Measure = "recall" | "reciprocalRank" | "ndcg";

/** Letters that name the ways wherever they are shown. */
export const letterOf = (at: number): string => String.fromCharCode(65 + at);

const measuresOf = (k: number): { key: Measure; label: string }[] => [
  { key: "recall", label: t("Recall@{{k}}", { k }) },
  { key: "reciprocalRank", label: t("MRR@{{k}}", { k }) },
  { key: "ndcg", label: t("nDCG@{{k}}", { k }) },
];
const signed = (value: number): string => `${value < 0 ? "−" : "+"}${thousandths(Math.abs(value))}`;
const interval = ({ low, high }: Mean, say = thousandths): string =>
  t("{{low}} to {{high}}", { low: say(low), high: say(high) });

export function Results(props: { base: KnowledgeBase; id: string }) {
  const reading = useData(resultsQuery, { base: props.base.id, id: props.id });
  return (
    <Loaded reading={reading} rows={4}>
      {({ knowledgeBase }) => {
        const { k = 10, results } = knowledgeBase?.evaluation ?? {};
        if (!results) return <Text size="sm">{t("It has no figures.")}</Text>;
        return (
          <Stack gap={20}>
            <Figures base={props.base} k={k} results={results} />
            <Chart k={k} results={results} />
            <EachQuestion base={props.base} k={k} results={results} />
          </Stack>
        );
      }}
    </Loaded>
  );
}

function Figures(props: { base: KnowledgeBase; k: number; results: Result[] }) {
  const { k, results, base } = props;
  return (
    <div className="e-scroll" {...reachable}>
      <table className="e-table e-figures">
        <caption>
          {t("Means over {{count}} questions with 95 % intervals; differences are paired, to way A.", {
            count: results[0]?.questions.length ?? 0,
          })}
        </caption>
        <thead>
          <tr>
            <th>{t("Measure")}</th>
            {results.map((result, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a way is its place
              <th key={at} scope="col">
                {t("Way {{letter}}", { letter: letterOf(at) })}
                <SettingsText result={result} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {measuresOf(k).map(({ key, label }) => (
            <tr key={key}>
              <th scope="row">{label}</th>
              {results.map((result, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a way is its place
                <td key={at}>
                  <strong>{thousandths(result[key].mean)}</strong>{" "}
                  <span className="e-muted">{interval(result[key])}</span>
                  {result.difference ? <Difference mean={result.difference[key]} /> : null}
                </td>
              ))}
            </tr>
          ))}
          <tr>
            <th scope="row">{t("Use")}</th>
            {results.map((result, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a way is its place
              <td key={at}>
                <UseButton base={base} result={result} letter={letterOf(at)} />
              </td>
            ))}
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function SettingsText(props: { result: Result }) {
  const { ranker, k, threshold, neighbours, reranker } = props.result.settings;
  const said = [
    rankers.find(({ value }) => value === ranker)?.label ?? ranker,
    t("{{count}} passages", { count: k }),
    t("similarity from {{n}}", { n: threshold }),
    ...(neighbours > 0 ? [t("{{n}} neighbours", { n: neighbours })] : []),
  ];
  return (
    <small>
      {said.join(" · ")}
      {reranker ? (
        <>
          {" · "}
          <RerankerName id={reranker} />
        </>
      ) : null}
    </small>
  );
}

/** An interval that holds 0 says that the questions do not tell the two apart. */
function Difference(props: { mean: Mean }) {
  const { mean } = props;
  const word = mean.low > 0 ? t("better") : mean.high < 0 ? t("worse") : t("not told apart");
  return (
    <small data-difference={mean.low > 0 ? "better" : mean.high < 0 ? "worse" : "none"}>
      {signed(mean.mean)} ({interval(mean, signed)}) · {word}
    </small>
  );
}

function UseButton(props: { base: KnowledgeBase; result: Result; letter: string }) {
  const { base, result, letter } = props;
  const work = useWork();
  const wanted = retrievalOf({ ...result.settings, reranker: result.settings.reranker ?? "" });
  const own = retrievalOf({ ...base.retrieval, reranker: base.retrieval.reranker ?? "" });
  if (JSON.stringify(wanted) === JSON.stringify(own)) return <Text size="xs">{t("In use")}</Text>;
  return (
    <Gate scope="write">
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Button
        size="compact-xs"
        variant="default"
        loading={work.isBusy}
        aria-label={t("Use these settings of way {{letter}}", { letter })}
        onClick={() =>
          void work.run(async () => {
            await act(updateKnowledgeBase, { input: { id: base.id, retrieval: wanted } });
            notifications.show({ message: t("{{name}} is asked this way now.", { name: base.name }) });
          })
        }
      >
        {t("Use these settings")}
      </Button>
    </Gate>
  );
}

/** Each mean as a dot within its interval, on one scale from 0 to 1. */
function Chart(props: { k: number; results: Result[] }) {
  return (
    <figure className="e-intervals">
      {measuresOf(props.k).map(({ key, label }) => (
        <div key={key}>
          <Text size="xs" fw={600}>
            {label}
          </Text>
          {props.results.map((result, at) => {
            const { mean } = result[key];
            const letter = letterOf(at);
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: a way is its place
              <div key={at} className="e-interval-way">
                <span>{letter}</span>
                <IntervalBar
                  label={t("Way {{letter}}: {{mean}}, {{range}}", {
                    letter,
                    mean: thousandths(mean),
                    range: interval(result[key]),
                  })}
                  spread={result[key]}
                />
              </div>
            );
          })}
        </div>
      ))}
      <figcaption className="e-interval-scale" aria-hidden>
        <span>0</span>
        <span>0.5</span>
        <span>1</span>
      </figcaption>
    </figure>
  );
}

/** Question by question, the worst of way A first; opened, what each way found. */
function EachQuestion(props: { base: KnowledgeBase; k: number; results: Result[] }) {
  const { base, results } = props;
  const [first] = results;
  const order = (first?.questions ?? [])
    .map((question, place) => ({ question, place }))
    .toSorted((a, b) => a.question.ndcg - b.question.ndcg);
  return (
    <section>
      <h3>{t("Question by question")}</h3>
      <div className="e-each" {...reachable}>
        {order.map(({ question, place }) => (
          <details key={question.questionId}>
            <summary>
              <span>{question.text}</span>
              <span className="e-mono">
                {results
                  .map((result, at) => `${letterOf(at)} ${thousandths(result.questions[place]?.ndcg ?? 0)}`)
                  .join("  ")}
              </span>
            </summary>
            <div className="e-found">
              {results.map((result, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a way is its place
                <Found key={at} base={base} letter={letterOf(at)} score={result.questions[place]} />
              ))}
            </div>
          </details>
        ))}
      </div>
    </section>
  );
}

function Found(props: {
  base: KnowledgeBase;
  letter: string;
  score: Result["questions"][number] | undefined;
}) {
  const found = props.score?.found ?? [];
  return (
    <div>
      <Text size="xs" fw={600}>
        {t("Way {{letter}}", { letter: props.letter })}
      </Text>
      {found.length === 0 ? <Text size="xs">{t("Nothing found")}</Text> : null}
      <ol>
        {found.map(({ documentId, document, chunkId, isRelevant }) => (
          <li key={chunkId} data-relevant={isRelevant}>
            <Link to={`/knowledge/${props.base.id}/documents/${documentId}`} search={{ chunk: chunkId }}>
              {document}
            </Link>
            {isRelevant ? ` · ${t("answers it")}` : ""}
          </li>
        ))}
      </ol>
    </div>
  );
}
