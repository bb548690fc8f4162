// "Does it need documents, training, or both?": a tuned model, knowledge bases and rows, and one button that asks all four.
import { Button, MultiSelect, NumberInput, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { z } from "zod";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { kindOfNode } from "../ui/lineage.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { factorialChoices, startFactorial } from "./factorial-queries.ts";
import { RULES } from "./grader-fields.tsx";

type Choices = ResultOf<typeof factorialChoices>;
const splitFacts = z.looseObject({ trainable: z.boolean() });
/** What may be tuned; the server knows whether it is, and made from what. */
const TUNED = ["CUSTOMIZED", "COMPLETE", "LIVE", "REGISTERED"];

/** What is missing before anything can be compared; null where all is there. */
function missing(models: number, bases: number, datasets: number) {
  if (models === 0) return { title: t("This needs a tuned model"), to: "/train", label: t("Train") };
  if (bases === 0)
    return {
      title: t("This needs a knowledge base"),
      to: "/knowledge?import=1",
      label: t("Create knowledge base"),
    };
  if (datasets === 0)
    return { title: t("This needs a dataset"), to: "/datasets?import=1", label: t("Import dataset") };
  return null;
}

function Form(props: { choices: Choices }) {
  const { choices } = props;
  const search = useSearch({ strict: false }) as { model?: string };
  const navigate = useNavigate();
  const work = useWork();
  const models = choices.models.nodes.filter(
    ({ usable, abilities, kind }) => usable && abilities.includes("TEXT") && TUNED.includes(kind),
  );
  const datasets = choices.datasets.nodes.filter(({ latest }) => latest);
  const bases = choices.knowledgeBases.nodes;
  const [model, setModel] = useState(
    models.find(({ name }) => name === search.model)?.name ?? models[0]?.name ?? null,
  );
  const [chosen, setChosen] = useState<string[]>(bases.length === 1 ? bases.map(({ name }) => name) : []);
  const [datasetId, setDatasetId] = useState(datasets[0]?.id ?? null);
  const [size, setSize] = useState<number | null>(50);
  const [grader, setGrader] = useState("contains");
  const [word, setWord] = useState("");
  const [question, setQuestion] = useState("");
  const [reference, setReference] = useState<string | null>(null);
  const [name, setName] = useState<string | null>(null);
  const wanted = missing(models.length, bases.length, datasets.length);
  if (wanted)
    return (
      <Empty
        title={wanted.title}
        text={t("A base, a model tuned from it, documents, and questions with right answers.")}
        action={
          <Button component={Link} to={wanted.to}>
            {wanted.label}
          </Button>
        }
      />
    );
  const version = datasets.find(({ id }) => id === datasetId)?.latest;
  const facts = splitFacts.safeParse(version?.statistics);
  const isTrainable = facts.success && facts.data.trainable;
  const columns = version?.columns.map((column) => column.name) ?? [];
  const takes = RULES.find(({ value }) => value === grader)?.takes;
  const shownName = name ?? t("{{model}} with and without documents", { model: model ?? "" });
  const start = async (): Promise<void> => {
    const input = {
      name: shownName.trim(),
      model: model ?? "",
      knowledgeBases: chosen,
      dataset: version?.id ?? "",
      question: isTrainable ? null : question.trim() || null,
      reference: isTrainable ? null : reference,
      graders: [takes ? `${grader}:${word}` : grader],
      sample: size === null ? null : { kind: "random", size, seed: 1 },
    };
    const { assessment } = await act(startFactorial, { input });
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
        <Surface>
          <div className="e-assess-fields">
            <Select
              label={t("Tuned model")}
              description={t("Its base is asked beside it.")}
              data={models.map((one) => ({
                value: one.name,
                label: `${one.name} · ${kindOfNode(one.kind.toLowerCase())}`,
              }))}
              value={model}
              onChange={setModel}
              allowDeselect={false}
              searchable
            />
            <MultiSelect
              label={t("Knowledge bases")}
              description={t("What two of the four answer from.")}
              data={bases.map((one) => one.name)}
              value={chosen}
              onChange={setChosen}
            />
            <Select
              label={t("Dataset")}
              description={t("Questions with right answers.")}
              data={datasets.map((one) => ({
                value: one.id,
                label: t("{{name}}, {{count}} rows", { name: one.name, count: one.latest?.rowCount ?? 0 }),
              }))}
              value={datasetId}
              onChange={setDatasetId}
              allowDeselect={false}
            />
            <NumberInput
              label={t("Rows drawn at random")}
              description={t("Empty takes all.")}
              min={1}
              value={size ?? ""}
              onChange={(value) => setSize(typeof value === "number" ? value : null)}
            />
            <Select
              label={t("An answer is right when it is")}
              description={t("Scored without a model.")}
              data={RULES.map(({ value, label }) => ({ value, label }))}
              value={grader}
              onChange={(value) => setGrader(value ?? "contains")}
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
            {isTrainable ? null : (
              <Select
                label={t("Right answer")}
                description={t("The column that holds it.")}
                data={columns}
                value={reference}
                onChange={setReference}
                clearable
              />
            )}
            <TextInput
              label={t("Name")}
              description={t("Of the assessment.")}
              value={shownName}
              onChange={(event) => setName(event.currentTarget.value)}
              required
            />
          </div>
          {isTrainable ? null : (
            <Textarea
              mt={12}
              label={t("Question")}
              description={t("Columns stand in double braces: {{list}}.", {
                list: columns.map((one) => `{{${one}}}`).join(" "),
              })}
              required
              autosize
              minRows={1}
              maxRows={10}
              value={question}
              onChange={(event) => setQuestion(event.currentTarget.value)}
            />
          )}
        </Surface>
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <div>
          <Button type="submit" loading={work.isBusy} disabled={chosen.length === 0}>
            {t("Compare all four")}
          </Button>
        </div>
      </Stack>
    </form>
  );
}

export function FactorialPage() {
  const reading = useData(factorialChoices, {});
  return (
    <Page
      title={t("Does it need documents, training, or both?")}
      crumb={{ label: t("Assessments"), to: "/assessments" }}
      sentence={t(
        "Base and tuned model answer the same rows, each without and with documents; you see what either brings, and both together.",
      )}
    >
      <Loaded reading={reading}>{(choices) => <Form choices={choices} />}</Loaded>
    </Page>
  );
}
