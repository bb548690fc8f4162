// The models of a provider in its form: names, as it may list them itself, what each can do and costs.
import {
  ActionIcon,
  Autocomplete,
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Stack,
  Text,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { listRemoteModels, type ProviderNode } from "./queries.ts";
import { type Ability, abilityWords } from "./words.ts";

export type ModelDraft = {
  /** Tells rows apart while they are edited. */
  row: string;
  model: string;
  abilities: Ability[];
  input: number | string;
  output: number | string;
  image: number | string;
};

let rows = 0;

/** A model as the form edits it; an empty one when unsaid. */
export function modelDraft(model?: ProviderNode["models"][number]): ModelDraft {
  return {
    row: `row-${++rows}`,
    model: model?.model ?? "",
    abilities: model?.abilities ?? [],
    input: model?.prices.input ?? "",
    output: model?.prices.output ?? "",
    image: model?.prices.image ?? "",
  };
}

/** The same as the server wants it; abilities that nobody chose are guessed there. */
export function modelInput({ model, abilities, input, output, image }: ModelDraft) {
  const price = (value: number | string) => (typeof value === "number" ? value : null);
  return {
    model: model.trim(),
    ...(abilities.length > 0 ? { abilities } : {}),
    prices: { input: price(input), output: price(output), image: price(image) },
  };
}

export function ModelRows(props: {
  models: ModelDraft[];
  abilities: readonly Ability[];
  provider: ProviderNode | null;
  onChange: (models: ModelDraft[]) => void;
}) {
  const { models, provider } = props;
  const [known, setKnown] = useState<string[]>([]);
  const work = useWork();
  const put = (row: string, part: Partial<ModelDraft>) =>
    props.onChange(models.map((one) => (one.row === row ? { ...one, ...part } : one)));
  return (
    <fieldset style={{ border: 0, padding: 0, margin: 0 }}>
      <Text component="legend" size="sm" fw={600} p={0}>
        {t("Models")}
      </Text>
      <Text size="xs" c="dimmed" mb={8}>
        {t("Prices are US dollars for a million tokens, or for one image; with them costs are recorded.")}
      </Text>
      <Stack gap={12}>
        {models.map(({ row, model, abilities, input, output, image }) => (
          <div key={row} className="e-surface" style={{ padding: 12 }}>
            <Group gap={8} align="flex-end" wrap="nowrap">
              <Autocomplete
                style={{ flex: 1 }}
                label={t("Model")}
                data={known}
                value={model}
                limit={50}
                onChange={(value) => put(row, { model: value })}
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                size={36}
                aria-label={t("Leave {{name}} out", { name: model || t("this model") })}
                onClick={() => props.onChange(models.filter((one) => one.row !== row))}
              >
                <IconTrash size={18} aria-hidden />
              </ActionIcon>
            </Group>
            <MultiSelect
              mt={8}
              label={t("Can do")}
              placeholder={abilities.length === 0 ? t("as its name suggests") : ""}
              data={props.abilities.map((value) => ({ value, label: abilityWords[value] }))}
              value={abilities}
              onChange={(value) =>
                put(row, { abilities: props.abilities.filter((one) => value.includes(one)) })
              }
            />
            <Group grow gap={8} mt={8} align="flex-end">
              <NumberInput
                label={t("$ per million sent")}
                min={0}
                value={input}
                onChange={(value) => put(row, { input: value })}
              />
              <NumberInput
                label={t("$ per million received")}
                min={0}
                value={output}
                onChange={(value) => put(row, { output: value })}
              />
              {props.abilities.includes("IMAGE") ? (
                <NumberInput
                  label={t("$ per image")}
                  min={0}
                  value={image}
                  onChange={(value) => put(row, { image: value })}
                />
              ) : null}
            </Group>
          </div>
        ))}
      </Stack>
      <Group mt={8} gap={8}>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => props.onChange([...models, modelDraft()])}
        >
          {t("Add a model")}
        </Button>
        {provider ? (
          <Button
            variant="default"
            size="xs"
            loading={work.isBusy}
            onClick={() =>
              work.run(async () => {
                setKnown((await act(listRemoteModels, { provider: provider.id })).models);
              })
            }
          >
            {known.length > 0
              ? t("{{n}} models to choose from", { n: known.length })
              : t("Ask {{name}} for its models", provider)}
          </Button>
        ) : null}
      </Group>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
    </fieldset>
  );
}
