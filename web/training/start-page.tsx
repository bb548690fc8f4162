// Start training: base, dataset and method side by side, the parameters, and at the right what will happen.
import { Button, Checkbox, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { useMemo, useState } from "react";
import { z } from "zod";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { RowAsSeen } from "../datasets/detail-page.tsx";
import { t } from "../i18n.ts";
import { useGeneratedName } from "../models/actions.tsx";
import { said } from "../said.ts";
import { AddTrainerButton, isOnline } from "../trainers/add-trainer.tsx";
import { Facts, Surface } from "../ui/bits.tsx";
import { bytes, count, duration } from "../ui/format.ts";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { ParametersForm } from "./parameters.tsx";
import { choicesQuery, forecastQuery, startTraining } from "./queries.ts";

/** The columns that their names give away. */
export function guessMapping(columns: readonly string[]): Record<string, string> {
  const find = (pattern: RegExp) => columns.find((column) => pattern.test(column));
  const prompt = find(/^(prompt|question|instruction|input|text|body|message|query)$/i);
  const completion = find(/^(completion|answer|response|output|label|category|target|reply)$/i);
  const system = find(/^system/i);
  return {
    ...(prompt ? { prompt } : {}),
    ...(completion ? { completion } : {}),
    ...(system ? { system } : {}),
  };
}

/** How many of the rows that were looked at are cut at max_length. */
function cutFact({ cut, sampled }: { cut: number; sampled: number }): [string, string] {
  return [t("Rows cut"), t("{{cut}} of {{sampled}} looked at", { cut: count(cut), sampled: count(sampled) })];
}

/** Tokens that a training keeps of a row: what the form says, at most what the base model reads. */
export function keptTokens(chosen: unknown, schema: unknown, contextLength: number): number {
  const asked = lengthSchema.safeParse(chosen);
  const standard = methodSchema.safeParse(schema);
  const most = asked.success
    ? asked.data
    : standard.success
      ? standard.data.properties.max_length.default
      : contextLength;
  return Math.min(most, contextLength);
}
const lengthSchema = z.number().int().positive();
const methodSchema = z.object({
  properties: z.object({ max_length: z.object({ default: lengthSchema }) }),
});

type Choices = ResultOf<typeof choicesQuery>;

function Forecast(props: {
  input: {
    name: string;
    baseId: string;
    datasetVersionId: string;
    method: string;
    parameters: unknown;
    save: boolean;
    mapping: unknown;
  };
}) {
  const [input] = useDebouncedValue(props.input, 400);
  const reading = useData(forecastQuery, { input });
  return (
    <Loaded reading={reading} rows={3}>
      {({ trainingForecast: forecast }) => (
        <Stack gap={8}>
          <Facts
            items={[
              [t("Steps"), count(forecast.steps)],
              [
                t("Time"),
                forecast.seconds === null
                  ? t("not known before the first training")
                  : t("about {{time}}", { time: duration(forecast.seconds) }),
              ],
              [t("Memory"), t("about {{size}}", { size: bytes(forecast.memoryBytes) })],
              ...(forecast.cut ? [cutFact(forecast.cut)] : []),
            ]}
          />
          {forecast.warnings.map((warning) => (
            <Text
              key={warning}
              size="sm"
              style={{ background: "var(--e-amber-soft)", borderRadius: 8, padding: 8 }}
            >
              {said(warning)}
            </Text>
          ))}
          {forecast.refusals.map((refusal) => (
            <ProblemNotice key={refusal.code + refusal.message} problem={refusal} />
          ))}
        </Stack>
      )}
    </Loaded>
  );
}

function Mapping(props: {
  columns: string[];
  value: Record<string, string>;
  onChange: (value: Record<string, string>) => void;
}) {
  const roles: [string, string][] = [
    ["prompt", t("Prompt column")],
    ["completion", t("Completion column")],
    ["system", t("System column, if any")],
  ];
  return (
    <Stack gap={8} mt={8}>
      {roles.map(([role, label]) => (
        <Select
          key={role}
          label={label}
          data={props.columns}
          value={props.value[role] ?? null}
          clearable={role === "system"}
          onChange={(column) => {
            const { [role]: _, ...others } = props.value;
            props.onChange(column ? { ...others, [role]: column } : others);
          }}
        />
      ))}
    </Stack>
  );
}

function Form(props: { choices: Choices }) {
  const { choices } = props;
  const search = useSearch({ strict: false }) as { base?: string; dataset?: string };
  const navigate = useNavigate();
  const usable = choices.datasets.nodes.filter(({ latest }) => latest && latest.shape !== "PREFERENCE");
  const base = choices.baseModels.nodes.find((one) => one.id === search.base) ?? choices.baseModels.nodes[0];
  const dataset =
    usable.find((one) => one.latest?.id === search.dataset || one.id === search.dataset) ?? usable[0];
  const [methodName, setMethodName] = useState(choices.methods[0]?.name ?? "");
  const method = choices.methods.find((one) => one.name === methodName) ?? choices.methods[0];
  const [name, setName] = useState("");
  const [parameters, setParameters] = useState<Record<string, unknown>>({});
  const [chosenLength] = useDebouncedValue(parameters.max_length, 400);
  const [row, setRow] = useState(0);
  const [save, setSave] = useState(false);
  const [mapped, setMapped] = useState<Record<string, string> | null>(null);
  const work = useWork();
  const generated = useGeneratedName("TRAIN", base?.id ?? null);
  const pick = (change: Record<string, string>) =>
    navigate({ to: ".", search: (old: Record<string, unknown>) => ({ ...old, ...change }), replace: true });
  const version = dataset?.latest;
  const isTable = version?.shape === "TABLE";
  const columns = useMemo(() => version?.columns.map((column) => column.name) ?? [], [version]);
  const mapping = useMemo(() => mapped ?? guessMapping(columns), [mapped, columns]);
  const input = useMemo(
    () =>
      base && version && method
        ? {
            name: name.trim(),
            baseId: base.id,
            datasetVersionId: version.id,
            method: method.name,
            parameters,
            save,
            mapping: isTable ? mapping : null,
          }
        : null,
    [name, base, version, method, parameters, save, mapping, isTable],
  );
  if (!base || !version || !method || !input)
    return (
      <Empty
        title={base ? t("Training needs a dataset") : t("Training needs a base model")}
        text={t("Import one first; it takes a minute.")}
        action={
          <Button component={Link} to={base ? "/datasets" : "/base-models"}>
            {base ? t("Import dataset") : t("Import model")}
          </Button>
        }
      />
    );
  const hasTrainer = choices.trainers.nodes.some(isOnline);
  const missing =
    isTable && !(mapping.prompt && mapping.completion)
      ? t("Map the prompt and completion columns first.")
      : null;
  return (
    <form
      className="e-columns"
      style={{ gridTemplateColumns: undefined }}
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(async () => {
          const done = await act(startTraining, { input });
          await navigate({ to: `/trainings/${done.training.id}` });
        });
      }}
    >
      <Stack gap={16}>
        <div
          style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(220px, 1fr))", gap: 16 }}
        >
          <Surface title={t("Base model")}>
            <Select
              aria-label={t("Base model")}
              data={choices.baseModels.nodes.map((one) => ({ value: one.id, label: one.name }))}
              value={base.id}
              allowDeselect={false}
              onChange={(value) => value && pick({ base: value })}
            />
            <Text size="xs" c="dimmed" mt={8}>
              {t("{{architecture}}, {{parameters}} parameters, {{context}} tokens of context", {
                architecture: base.architecture,
                parameters: count(base.parameters),
                context: count(base.contextLength),
              })}
            </Text>
          </Surface>
          <Surface title={t("Dataset")}>
            <Select
              aria-label={t("Dataset")}
              data={usable.map((one) => ({
                value: one.latest?.id ?? one.id,
                label: `${one.name} v${one.latest?.number ?? 1}`,
              }))}
              value={version.id}
              allowDeselect={false}
              onChange={(value) => {
                if (!value) return;
                setMapped(null);
                pick({ dataset: value });
              }}
            />
            <Text size="xs" c="dimmed" mt={8}>
              {t("{{rows}} rows, frozen as version {{number}}", {
                rows: count(version.rowCount),
                number: version.number,
              })}
            </Text>
            {isTable ? <Mapping columns={columns} value={mapping} onChange={setMapped} /> : null}
          </Surface>
          <Surface title={t("Method")}>
            <Select
              aria-label={t("Method")}
              data={choices.methods.map((one) => ({ value: one.name, label: said(one.title) }))}
              value={method.name}
              allowDeselect={false}
              onChange={(value) => value && setMethodName(value)}
            />
            <Text size="xs" c="dimmed" mt={8}>
              {t("Leaves an adapter: a customized model.")}
            </Text>
          </Surface>
        </div>
        <Surface title={t("Name")}>
          <TextInput
            aria-label={t("Name")}
            value={name}
            placeholder={generated}
            description={t("The training and the model it makes bear this name.")}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Checkbox
            mt={12}
            label={t("Save as a complete model when done")}
            checked={save}
            onChange={(event) => setSave(event.currentTarget.checked)}
          />
        </Surface>
        <Surface title={t("Parameters")}>
          <ParametersForm
            schema={method.parameters}
            values={parameters}
            onChange={setParameters}
            badField={
              work.problem?.field
                ? {
                    name: work.problem.field.replace(/^parameters\./, ""),
                    message: said(work.problem.message),
                  }
                : null
            }
          />
        </Surface>
      </Stack>
      <Stack gap={16}>
        <Surface title={t("Forecast")}>
          {missing ? <Text size="sm">{missing}</Text> : <Forecast input={input} />}
        </Surface>
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        {hasTrainer ? null : (
          <Surface title={t("No trainer yet")}>
            <Text size="sm" mb={12}>
              {t("You can queue this training now; it starts when a trainer checks in.")}
            </Text>
            <AddTrainerButton />
          </Surface>
        )}
        <Button
          type="submit"
          size="md"
          loading={work.isBusy}
          disabled={missing !== null}
          title={missing ?? undefined}
        >
          {t("Train {{name}}", { name: name.trim() || generated })}
        </Button>
        <Surface
          title={t("A row as the model sees it")}
          aside={
            <NumberInput
              aria-label={t("Row")}
              size="xs"
              w={88}
              min={0}
              max={Math.max(0, version.rowCount - 1)}
              clampBehavior="strict"
              allowDecimal={false}
              value={row}
              onChange={(value) => setRow(Number(value) || 0)}
            />
          }
        >
          {missing ? (
            <Text size="sm" c="dimmed">
              {missing}
            </Text>
          ) : (
            <RowAsSeen
              versionId={version.id}
              baseId={base.id}
              index={Math.min(row, version.rowCount - 1)}
              maxLength={keptTokens(chosenLength, method.parameters, base.contextLength)}
              {...(isTable ? { mapping } : {})}
            />
          )}
        </Surface>
      </Stack>
    </form>
  );
}

export function StartTrainingPage() {
  const reading = useData(choicesQuery, {});
  return (
    <Page
      title={t("Start training")}
      sentence={t("Teach a base model from a dataset; it learns the marked tokens of every row.")}
      crumb={{ label: t("Trainings"), to: "/trainings" }}
    >
      <Loaded reading={reading}>{(choices) => <Form choices={choices} />}</Loaded>
    </Page>
  );
}
