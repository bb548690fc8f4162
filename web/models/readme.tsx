// The README of a base model's card: shown as Markdown, edited in place, taken away with its YAML header.
import { Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { Markdown } from "../ui/markdown.tsx";
import { ProblemNotice } from "../ui/states.tsx";

const editCard = graphql(`
  mutation EditCard($id: ID!, $text: String!) {
    editCard(id: $id, text: $text) {
      __typename ... on EditCardSuccess { model { id } } ... on UserError { code message hint field value }
    }
  }
`);

export function Readme(props: { model: { id: string; card: string | null; readme: string } }) {
  const { model } = props;
  const [draft, setDraft] = useState<string | null>(null);
  const work = useWork();
  const save = () =>
    work.run(async () => {
      await act(editCard, { id: model.id, text: draft ?? "" });
      setDraft(null);
    });
  const tools = (
    <Group gap={8}>
      <Button
        size="compact-sm"
        variant="default"
        component="a"
        href={`data:text/markdown;charset=utf-8,${encodeURIComponent(model.readme)}`}
        download="README.md"
      >
        {t("Download README.md")}
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => setDraft(model.card ?? "")}>
        {model.card ? t("Edit README") : t("Write a README")}
      </Button>
    </Group>
  );
  return (
    <Surface title={t("README")} aside={draft === null ? tools : null}>
      {draft !== null ? (
        <Stack gap={12}>
          <Textarea
            aria-label={t("README, as Markdown")}
            autosize
            minRows={8}
            maxRows={24}
            value={draft}
            onChange={(event) => setDraft(event.currentTarget.value)}
            data-autofocus
          />
          {work.problem ? <ProblemNotice problem={work.problem} /> : null}
          <Group justify="flex-end" gap={8}>
            <Button variant="default" onClick={() => setDraft(null)}>
              {t("Discard")}
            </Button>
            <Button loading={work.isBusy} onClick={save}>
              {t("Save README")}
            </Button>
          </Group>
        </Stack>
      ) : model.card ? (
        <Markdown text={model.card} />
      ) : (
        <Text size="sm" c="dimmed">
          {t("The files brought none. Say what this model is for, and what its licence asks.")}
        </Text>
      )}
    </Surface>
  );
}
