// Start an assessment: who answers which rows, what is asked, how that is scored; and at the right a look before.
import { Button, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { z } from "zod";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { sentencesOf } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { count } from "../ui/format.ts";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, LoadingRows, ProblemNotice } from "../ui/states.tsx";
import { CandidateFields } from "./candidate-fields.tsx";
import {
  candidateDraft,
  type Draft,
  draftOf,
  graderDraft,
  inputOf,
  type SampleKind,
  samples,
} from "./draft.ts";
import { FactorialLink } from "./factorial-link.tsx";
import { GraderFields, JudgeFields } from "./grader-fields.tsx";
import { PreviewPane, usePreview } from "./preview.tsx";
import { assessmentQuery, choicesQuery, startAssessment } from "./queries.ts";
import { TemplateField } from "./template-field.tsx";

type Choices = ResultOf<typeof choicesQuery>;
const splitCounts = z.object({ train: z.number(), validation: z.number(), test: z.number() });
const splitFacts = z.looseObject({ hasOwnSplits: z.boolean(), trainable: z.boolean() });
const SPLITS = ["test", "validation", "train"] as const;
/** Rows that a first look asks about. */
const FEW = 20;

/** What the form says of a dataset's newest version: splits with rows, and what may be named. */
function factsOf(version: Choices["datasets"]["nodes"][number]["latest"] | undefined) {
  const facts = splitFacts.safeParse(version?.statistics);
  const splits = splitCounts.safeParse(version?.splits);
  const isTrainable = facts.success && facts.data.trainable;
  const held =
    facts.success && facts.data.hasOwnSplits && splits.success
      ? SPLITS.filter((one) => splits.data[one] > 0).map((one) => ({ split: one, rows: splits.data[one] }))
      : [];
  const own = version?.columns.map(({ name }) => name) ?? [];
  const columns = [...new Set([...own, ...(isTrainable ? ["prompt", "completion", "system"] : [])])];
  return { isTrainable, held, columns };
}

function Form(props: { choices: Choices; copied: Draft | null }) {
  const { choices } = props;
  const search = useSearch({ strict: false }) as { dataset?: string; models?: string };
  const navigate = useNavigate();
  const work = useWork();
  const datasets = choices.datasets.nodes.filter(({ latest }) => latest);
  const models = choices.models.nodes.filter(({ usable, abilities }) => usable && abilities.includes("TEXT"));
  const [rows, setRows] = useState<number[] | null>(null);
  const [draft, setDraft] = useState<Draft>(() => {
    if (props.copied) return props.copied;
    const chosen = (search.models ?? "").split(",").filter((one) => models.some(({ name }) => name === one));
    const dataset =
      datasets.find(({ id, latest }) => id === search.dataset || latest?.id === search.dataset) ??
      datasets[0];
    const { isTrainable } = factsOf(dataset?.latest);
    return {
      name: "",
      datasetId: dataset?.id ?? null,
      split: null,
      sampleKind: "random",
      size: FEW,
      seed: 1,
      by: null,
      question: "",
      reference: null,
      graders: isTrainable ? [graderDraft("json")] : [],
      judges: [],
      candidates: chosen.map(candidateDraft),
      maxTokens: null,
      concurrency: null,
    };
  });
  const change = (part: Partial<Draft>): void => setDraft((old) => ({ ...old, ...part }));
  const dataset = datasets.find(({ id }) => id === draft.datasetId);
  const version = dataset?.latest;
  const { isTrainable, held, columns } = factsOf(version);
  const split = held.find((one) => one.split === draft.split)?.split ?? held[0]?.split ?? null;
  const input = version ? inputOf(draft, version.id, split) : null;
  const isWhole =
    draft.candidates.length > 0 &&
    draft.graders.length + draft.judges.length > 0 &&
    (isTrainable || draft.question.trim() !== "");
  const { preview, problem } = usePreview(isWhole ? input : null, rows);
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
  const start = async (): Promise<void> => {
    if (!input) return;
    const { assessment } = await act(startAssessment, { input });
    await navigate({ to: `/assessments/${assessment.id}` });
  };
  const isSampled = draft.sampleKind !== "all";
  const wrongQuestion = problem?.field === "question" ? sentencesOf(problem) : null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(start);
      }}
    >
      <div className="e-columns">
        <Stack gap={16}>
          <Surface title={t("Who answers")}>
            <Stack gap={12}>
              <TextInput
                label={t("Name")}
                value={draft.name}
                onChange={(event) => change({ name: event.currentTarget.value })}
                required
              />
              <CandidateFields
                models={models}
                knowledgeBases={choices.knowledgeBases.nodes}
                value={draft.candidates}
                onChange={(candidates) => change({ candidates })}
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
                value={draft.datasetId}
                onChange={(datasetId) => change({ datasetId, by: null, reference: null })}
                allowDeselect={false}
              />
              {split ? (
                <Select
                  label={t("Split")}
                  data={held.map((one) => ({ value: one.split, label: `${one.split} (${count(one.rows)})` }))}
                  value={split}
                  onChange={(chosen) => change({ split: chosen })}
                  allowDeselect={false}
                />
              ) : null}
              <Select
                label={t("Sample")}
                data={samples}
                value={draft.sampleKind}
                onChange={(sampleKind) => sampleKind && change({ sampleKind: sampleKind as SampleKind })}
                allowDeselect={false}
              />
              {isSampled ? (
                <NumberInput
                  label={t("Rows")}
                  min={1}
                  value={draft.size ?? ""}
                  onChange={(value) => change({ size: typeof value === "number" ? value : null })}
                />
              ) : null}
              {draft.sampleKind === "stratified" ? (
                <Select
                  label={t("Column")}
                  data={version.columns.map(({ name }) => name)}
                  value={draft.by}
                  onChange={(by) => change({ by })}
                  allowDeselect={false}
                />
              ) : null}
              {isSampled && draft.sampleKind !== "first" ? (
                <NumberInput
                  label={t("Seed")}
                  description={t("The same seed draws the same rows.")}
                  min={0}
                  value={draft.seed}
                  onChange={(value) => change({ seed: typeof value === "number" ? value : 1 })}
                />
              ) : null}
            </div>
          </Surface>
          <Surface title={t("What is asked")}>
            <Stack gap={12}>
              <TemplateField
                label={t("Question")}
                description={t("Columns stand in double braces: {{list}}.", {
                  list: columns.map((one) => `{{${one}}}`).join(" "),
                })}
                placeholder={isTrainable ? "{{prompt}}" : ""}
                required={!isTrainable}
                names={[...columns, "CandidateSystemPrompt"]}
                value={draft.question}
                onChange={(question) => change({ question })}
                {...(wrongQuestion === null ? {} : { error: wrongQuestion })}
              />
              <div className="e-assess-fields">
                <NumberInput
                  label={t("Longest answer in tokens")}
                  placeholder="256"
                  min={1}
                  value={draft.maxTokens ?? ""}
                  onChange={(value) => change({ maxTokens: typeof value === "number" ? value : null })}
                />
                <NumberInput
                  label={t("At once")}
                  description={t("Replies of one provider that are waited for at once.")}
                  placeholder="8"
                  min={1}
                  max={64}
                  value={draft.concurrency ?? ""}
                  onChange={(value) => change({ concurrency: typeof value === "number" ? value : null })}
                />
              </div>
            </Stack>
          </Surface>
          <Surface title={t("What is right")}>
            <Stack gap={12}>
              <Select
                label={t("Right answer")}
                description={t("The column that holds it.")}
                data={columns}
                value={draft.reference}
                placeholder={isTrainable ? "completion" : ""}
                onChange={(reference) => change({ reference })}
                clearable
              />
              <GraderFields value={draft.graders} onChange={(graders) => change({ graders })} />
              <JudgeFields
                models={models}
                candidates={draft.candidates.map(({ model }) => model)}
                isSeveral={draft.candidates.length > 1}
                names={columns}
                value={draft.judges}
                onChange={(judges) => change({ judges })}
              />
            </Stack>
          </Surface>
          {work.problem ? <ProblemNotice problem={work.problem} /> : null}
          <div>
            <Button type="submit" loading={work.isBusy} disabled={!isWhole}>
              {t("Assess {{count}} models", { count: draft.candidates.length })}
            </Button>
          </div>
        </Stack>
        <PreviewPane preview={preview} problem={wrongQuestion === null ? problem : null} onRows={setRows} />
      </div>
    </form>
  );
}

export function StartAssessmentPage() {
  const { copy } = useSearch({ strict: false }) as { copy?: string };
  const reading = useData(choicesQuery, {});
  const copied = useData(assessmentQuery, copy === undefined ? null : { id: copy });
  const node = copied.data?.node;
  const source = node?.__typename === "Assessment" ? node : null;
  return (
    <Page
      title={t("Assess models")}
      crumb={{ label: t("Assessments"), to: "/assessments" }}
      sentence={t("Ask several models the same, and see which is better and how sure that is.")}
      action={<FactorialLink />}
    >
      <Loaded reading={reading}>
        {(choices) =>
          copied.isLoading ? (
            <LoadingRows />
          ) : (
            <Form key={copy ?? ""} choices={choices} copied={source && draftOf(source, choices)} />
          )
        }
      </Loaded>
    </Page>
  );
}
