// An assessment against an earlier one of the same dataset: candidates of both on the rows that both asked about.
import { Button, Select, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { count, relativeTime } from "../ui/format.ts";
import { Loaded } from "../ui/states.tsx";
import { useAddress } from "./address.ts";
import type { Assessment } from "./detail-page.tsx";
import { DifferenceText, ScoreText, small } from "./figures.tsx";
import { comparableQuery, comparisonQuery } from "./report-queries.ts";

type Comparison = NonNullable<
  Extract<NonNullable<ResultOf<typeof comparisonQuery>["node"]>, { __typename: "Assessment" }>["comparison"]
>;

const settingNames = (): Record<string, string> => ({
  dataset: t("Dataset"),
  split: t("Split"),
  sample: t("Sample"),
  question: t("Question"),
  reference: t("Right answer"),
  graders: t("Graders"),
  maxTokens: t("Longest answer"),
  temperature: t("Temperature"),
  systemPrompt: t("System prompt"),
  knowledgeBases: t("Knowledge bases"),
});

function Settings(props: { settings: Comparison["settings"] }) {
  if (props.settings.length === 0)
    return (
      <Text size="sm" c="dimmed" mt={8}>
        {t("Both have the same settings.")}
      </Text>
    );
  const names = settingNames();
  return (
    <section className="e-apart">
      <h3>{t("A difference may come from other settings")}</h3>
      <div className="e-scroll" {...reachable}>
        <table className="e-table">
          <thead>
            <tr>
              <th scope="col">{t("Setting")}</th>
              <th scope="col">{t("Here")}</th>
              <th scope="col">{t("There")}</th>
            </tr>
          </thead>
          <tbody>
            {props.settings.map(({ name, candidate, here, there }) => (
              <tr key={`${name} ${candidate ?? ""}`}>
                <th scope="row">
                  {names[name] ?? name}
                  {candidate === null ? null : <small>{candidate}</small>}
                </th>
                <td className="e-setting">{here || "–"}</td>
                <td className="e-setting">{there || "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Pairs(props: { pairs: Comparison["pairs"] }) {
  if (props.pairs.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {t("No model is a candidate of both; choose two above.")}
      </Text>
    );
  return (
    <div className="e-scroll" {...reachable}>
      <table className="e-table e-figures e-assessed">
        <caption>
          {t("Only rows that both have a score for; p is corrected for the number of pairs (Holm).")}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("Candidate")}</th>
            <th scope="col">{t("Here")}</th>
            <th scope="col">{t("There")}</th>
            <th scope="col">{t("Better, same, worse")}</th>
            <th scope="col">{t("Difference")}</th>
            <th scope="col">p</th>
          </tr>
        </thead>
        <tbody>
          {props.pairs.map(({ candidate, against, interval, againstInterval, difference }) => (
            <tr key={candidate.candidateId}>
              <th scope="row">
                {candidate.name}
                {against.name === candidate.name ? null : (
                  <small>{t("against {{name}}", { name: against.name })}</small>
                )}
              </th>
              <td>
                <ScoreText interval={interval} />
              </td>
              <td>
                <ScoreText interval={againstInterval} />
              </td>
              <td>
                {difference
                  ? `${count(difference.wins)}, ${count(difference.ties)}, ${count(difference.losses)}`
                  : "–"}
              </td>
              <td>
                <DifferenceText difference={difference} />
              </td>
              <td>{difference ? small(difference.adjustedP) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function CompareSection(props: { assessment: Assessment }) {
  const { id, candidates } = props.assessment;
  const [address, change] = useAddress();
  const others = useData(comparableQuery, { id });
  const node = others.data?.node;
  const known = node?.__typename === "Assessment" ? node.comparable : [];
  const other = known.find((one) => one.id === address.with);
  const own = candidates.find(({ candidateId }) => candidateId === address.own)?.candidateId ?? null;
  const against =
    other?.candidates.find(({ candidateId }) => candidateId === address.against)?.candidateId ?? null;
  const isChosen = own !== null && against !== null;
  const reading = useData(
    comparisonQuery,
    other
      ? { id, with: other.id, candidate: isChosen ? own : null, against: isChosen ? against : null }
      : null,
  );
  if (others.data && known.length === 0) return null;
  const clear = undefined as never;
  const choices = (all: readonly { candidateId: string; name: string }[]) =>
    all.map(({ candidateId, name }) => ({ value: candidateId, label: name }));
  return (
    <Surface title={t("Compared with an earlier assessment")}>
      <Loaded reading={others} rows={1}>
        {() => (
          <div className="e-assess-filters">
            <Select
              size="xs"
              label={t("Assessment of the same dataset")}
              placeholder={t("Choose one")}
              data={known.map((one) => ({
                value: one.id,
                label: `${one.name} · ${one.dataset} · ${relativeTime(one.createdAt, Date.now())}`,
              }))}
              value={other?.id ?? null}
              onChange={(value) => change({ with: value ?? clear, own: clear, against: clear })}
              clearable
            />
            {other ? (
              <>
                <Select
                  size="xs"
                  label={t("Candidate here")}
                  placeholder={t("models of both")}
                  data={choices(candidates)}
                  value={own}
                  onChange={(value) => change({ own: value ?? clear })}
                  clearable
                />
                <Select
                  size="xs"
                  label={t("Candidate there")}
                  placeholder={t("models of both")}
                  data={choices(other.candidates)}
                  value={against}
                  onChange={(value) => change({ against: value ?? clear })}
                  clearable
                />
              </>
            ) : null}
          </div>
        )}
      </Loaded>
      {other ? (
        <Loaded reading={reading} rows={3}>
          {({ node: found }) => {
            const comparison = found?.__typename === "Assessment" ? found.comparison : null;
            if (!comparison) return null;
            return (
              <>
                <Text size="sm" mb={4}>
                  {comparison.matchedBy === "number"
                    ? t("Rows in both: {{n}}.", { n: count(comparison.commonRows) })
                    : t("Rows in both, found by what stands in them because the versions differ: {{n}}.", {
                        n: count(comparison.commonRows),
                      })}{" "}
                  <Button component={Link} to={`/assessments/${other.id}`} variant="subtle" size="compact-sm">
                    {t("Open {{name}}", { name: other.name })}
                  </Button>
                </Text>
                <Pairs pairs={comparison.pairs} />
                <Settings settings={comparison.settings} />
              </>
            );
          }}
        </Loaded>
      ) : null}
    </Surface>
  );
}
