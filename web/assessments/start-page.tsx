// Start an assessment: which rows, who answers, what is asked, and how answers are scored.
import { Button, MultiSelect, NumberInput, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { z } from "zod";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { count } from "../ui/format.ts";
import { kindOfNode } from "../ui/lineage.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { FactorialLink } from "./factorial-link.tsx";
import { choicesQuery, startAssessment } from "./queries.ts";

type Choices = ResultOf<typeof choicesQuery>;
const MOST_CANDIDATES = 6;
const splitCounts = z.object({ train: z.number(), validation: z.number(), test: z.number() });
const splitFacts = z.looseObject({ hasOwnSplits: z.boolean(), trainable: z.boolean() });

/** Graders by what they say, and whether they take a word of their own. */
export const graders: { value: string; label: string; takes?: string }[] = [
  { value: "json", label: t("Same JSON") },
  { value: "exact", label: t("Same text") },
  { value: "normalised", label: t("Same words, whatever case and punctuation") },
  { value: "contains", label: t("Contains the right answer") },
  { value: "numeric", label: t("Same number"), takes: t("Tolerance, such as 0.01 or 5%") },
  { value: "json-field", label: t("Same field of JSON"), takes: t("Field, such as team") },
  { value: "regex", label: t("Matches an expression"), takes: t("Regular expression") },
];

function Form(props: { choices: Choices }) {
  const { choices } = props;
  const search = useSearch({ strict: false }) as { dataset?: string; models?: string };
  const navigate = useNavigate();
  const work = useWork();
  const datasets = choices.datasets.nodes.filter(({ latest }) => latest);
  const models = choices.models.nodes.filter(({ usable, abilities }) => usable && abilities.includes("TEXT"));
  const [datasetId, setDatasetId] = useState(
    datasets.find(({ id, latest }) => id === search.dataset || latest?.id === search.dataset)?.id ??
      datasets[0]?.id ??
      null,
  );
  const version = datasets.find(({ id }) => id === datasetId)?.latest;
  const facts = splitFacts.safeParse(version?.statistics);
  const isTrainable = facts.success && facts.data.trainable;
  const splits = splitCounts.safeParse(version?.splits);
  const held =
    facts.success && facts.data.hasOwnSplits && splits.success
      ? (["test", "validation", "train"] as const).filter((one) => splits.data[one] > 0)
      : [];
  const [split, setSplit] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<string[]>(
    (search.models ?? "").split(",").filter((one) => models.some((model) => model.name === one)),
  );
  const [question, setQuestion] = useState("");
  const [reference, setReference] = useState<string | null>(null);
  const [system, setSystem] = useState("");
  const [grader, setGrader] = useState("json");
  const [word, setWord] = useState("");
  const [size, setSize] = useState<number | null>(20);
  const [seed, setSeed] = useState(1);
  if (!version || models.length === 0)
    return (
      <Empty
        title={version ? t("An assessment needs a model") : t("An assessment needs a dataset")}
        text={t("Import one first; it takes a minute.")}
        action={
          <Button component={Link} to={version ? "/base-models" : "/datasets"}>
            {version ? t("Import model") : t("Import dataset")}
          </Button>
        }
      />
    );
  const columns = [
    ...new Set([
      ...version.columns.map((column) => column.name),
      ...(isTrainable ? ["prompt", "completion"] : []),
    ]),
  ];
  const takes = graders.find(({ value }) => value === grader)?.takes;
  const counts = splits.success ? splits.data : null;
  const shownSplit = held.find((one) => one === split) ?? held[0] ?? null;
  const start = async (): Promise<void> => {
    const input = {
      name: name.trim(),
      dataset: version.id,
      split: shownSplit,
      question: question.trim() || null,
      reference,
      graders: [takes ? `${grader}:${word}` : grader],
      candidates: chosen.map((model) => ({ model, systemPrompt: system.trim() || null })),
      sample: size === null ? null : { kind: "random", size, seed },
    };
    const { assessment } = await act(startAssessment, { input });
    await navigate({ to: `/assessments/${assessment.id}` });
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(start);
      }}
    >
      <Stack gap={16}>
        <Surface title={t("Who answers")}>
          <Stack gap={12}>
            <TextInput
              label={t("Name")}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              required
            />
            <MultiSelect
              label={t("Candidates")}
              description={t("Up to {{n}} models.", { n: MOST_CANDIDATES })}
              data={models.map((model) => ({
                value: model.name,
                label: `${model.name} · ${kindOfNode(model.kind.toLowerCase().replace("_", "-"))}`,
              }))}
              value={chosen}
              onChange={setChosen}
              maxValues={MOST_CANDIDATES}
              searchable
            />
            <Textarea
              label={t("System prompt")}
              description={t("Said to every candidate; left empty, each row's own is said.")}
              autosize
              minRows={1}
              maxRows={6}
              value={system}
              onChange={(event) => setSystem(event.currentTarget.value)}
            />
          </Stack>
        </Surface>
        <Surface title={t("Which rows")}>
          <div className="e-assess-fields">
            <Select
              label={t("Dataset")}
              data={datasets.map((one) => ({
                value: one.id,
                label: t("{{name}}, {{count}} rows", { name: one.name, count: one.latest?.rowCount ?? 0 }),
              }))}
              value={datasetId}
              onChange={setDatasetId}
              allowDeselect={false}
            />
            {shownSplit ? (
              <Select
                label={t("Split")}
                data={held.map((one) => ({ value: one, label: `${one} (${count(counts?.[one] ?? 0)})` }))}
                value={shownSplit}
                onChange={setSplit}
                allowDeselect={false}
              />
            ) : null}
            <NumberInput
              label={t("Rows drawn at random")}
              description={t("Empty takes all.")}
              min={1}
              value={size ?? ""}
              onChange={(value) => setSize(typeof value === "number" ? value : null)}
            />
            <NumberInput
              label={t("Seed")}
              description={t("The same seed draws the same rows.")}
              min={0}
              value={seed}
              onChange={(value) => setSeed(typeof value === "number" ? value : 1)}
            />
          </div>
        </Surface>
        <Surface title={t("What is asked, and what is right")}>
          <Stack gap={12}>
            <Textarea
              label={t("Question")}
              description={t("Columns stand in double braces: {{list}}.", {
                list: columns.map((one) => `{{${one}}}`).join(" "),
              })}
              placeholder={isTrainable ? "{{prompt}}" : ""}
              required={!isTrainable}
              autosize
              minRows={1}
              maxRows={10}
              value={question}
              onChange={(event) => setQuestion(event.currentTarget.value)}
            />
            <div className="e-assess-fields">
              <Select
                label={t("Right answer")}
                description={t("The column that holds it.")}
                data={columns}
                value={reference}
                placeholder={isTrainable ? "completion" : ""}
                onChange={setReference}
                clearable
              />
              <Select
                label={t("An answer is right when it is")}
                description={t("Scored without a model.")}
                data={graders.map(({ value, label }) => ({ value, label }))}
                value={grader}
                onChange={(value) => setGrader(value ?? "exact")}
                allowDeselect={false}
              />
              {takes ? (
                <TextInput
                  label={takes}
                  value={word}
                  onChange={(event) => setWord(event.currentTarget.value)}
                  required
                />
              ) : null}
            </div>
          </Stack>
        </Surface>
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <div>
          <Button type="submit" loading={work.isBusy} disabled={chosen.length === 0}>
            {t("Assess {{count}} models", { count: chosen.length })}
          </Button>
        </div>
      </Stack>
    </form>
  );
}

export function StartAssessmentPage() {
  const reading = useData(choicesQuery, {});
  return (
    <Page
      title={t("Assess models")}
      crumb={{ label: t("Assessments"), to: "/assessments" }}
      sentence={t("Ask several models the same, and see which is better and how sure that is.")}
      action={<FactorialLink />}
    >
      <Loaded reading={reading}>{(choices) => <Form choices={choices} />}</Loaded>
    </Page>
  );
}
