// The prompt library: a prompt is chosen, its variables are filled in, and it becomes the system prompt or the message.
import { Button, Group, Modal, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { useFocusBack } from "../ui/focus-back.ts";
import { exactTime } from "../ui/format.ts";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { deletePrompt, promptsQuery, savePrompt } from "./queries.ts";

type Prompts = ResultOf<typeof promptsQuery>["prompts"]["nodes"];
type Version = Prompts[number]["versions"]["nodes"][number];
export type PromptUse = { text: string; starters: string[] };

/** The text with its variables filled in; what nobody filled in stays as it is. */
export function filledIn(text: string, values: Record<string, string>): string {
  return text.replaceAll(/\{\{\s*([^{}]+?)\s*\}\}/g, (whole, name: string) => values[name] || whole);
}

function PromptForm(props: { start: { name: string; text: string; starters: string }; onDone: () => void }) {
  const [draft, setDraft] = useState(props.start);
  const work = useWork();
  const set = (change: Partial<typeof draft>) => setDraft({ ...draft, ...change });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(async () => {
          const starters = draft.starters.split("\n").filter((line) => line.trim());
          await act(savePrompt, { input: { name: draft.name, text: draft.text, starters } });
          props.onDone();
        });
      }}
    >
      <Stack gap={12}>
        <TextInput
          label={t("Name")}
          description={t("A name that is known gets another version; the earlier ones stay.")}
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          data-autofocus
        />
        <Textarea
          label={t("Text")}
          description={t("Words in double braces, as in {{example}}, are filled in when it is used.", {
            example: "{{town}}",
          })}
          autosize
          minRows={5}
          maxRows={14}
          value={draft.text}
          onChange={(event) => set({ text: event.currentTarget.value })}
        />
        <Textarea
          label={t("Starter questions")}
          description={t("One a line; an empty chat proposes them.")}
          autosize
          minRows={2}
          value={draft.starters}
          onChange={(event) => set({ starters: event.currentTarget.value })}
        />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onDone}>
            {t("Discard")}
          </Button>
          <Button type="submit" loading={work.isBusy}>
            {t("Save prompt")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function UseForm(props: {
  version: Version;
  onSystem: (use: PromptUse) => void;
  onMessage: (text: string) => void;
}) {
  const { version } = props;
  const [values, setValues] = useState<Record<string, string>>({});
  const text = filledIn(version.text, values);
  return (
    <Stack gap={12}>
      {version.variables.map((name) => (
        <TextInput
          key={name}
          label={name}
          value={values[name] ?? ""}
          onChange={(event) => setValues({ ...values, [name]: event.currentTarget.value })}
        />
      ))}
      <Text size="sm" className="e-said" data-testid="prompt-text">
        {text}
      </Text>
      <Group gap={8}>
        <Button onClick={() => props.onSystem({ text, starters: version.starters })}>
          {t("Use as system prompt")}
        </Button>
        <Button variant="default" onClick={() => props.onMessage(text)}>
          {t("Insert into the message")}
        </Button>
      </Group>
    </Stack>
  );
}

export function PromptsDialog(props: {
  onClose: () => void;
  onSystem: (use: PromptUse) => void;
  onMessage: (text: string) => void;
}) {
  useFocusBack();
  const reading = useData(promptsQuery, {});
  const [chosen, setChosen] = useState<{ id: string | null; number: number | null }>({
    id: null,
    number: null,
  });
  const [editing, setEditing] = useState<{ name: string; text: string; starters: string } | null>(null);
  const work = useWork();
  const content = (prompts: Prompts) => {
    const prompt = prompts.find((one) => one.id === chosen.id) ?? prompts[0];
    const versions = prompt?.versions.nodes ?? [];
    const version = versions.find((one) => one.number === chosen.number) ?? versions[0];
    if (!prompt || !version)
      return (
        <Text size="sm" c="dimmed">
          {t("The library is empty. Save a prompt that you use often, and it is here for everybody.")}
        </Text>
      );
    return (
      <Stack gap={12}>
        <Group gap={8} grow>
          <Select
            label={t("Prompt")}
            searchable
            allowDeselect={false}
            data={prompts.map((one) => ({ value: one.id, label: one.name }))}
            value={prompt.id}
            onChange={(id) => setChosen({ id, number: null })}
          />
          <Select
            label={t("Version")}
            allowDeselect={false}
            data={versions.map((one) => ({
              value: String(one.number),
              label: `${one.number} · ${exactTime(one.createdAt)}`,
            }))}
            value={String(version.number)}
            onChange={(number) => setChosen({ id: prompt.id, number: Number(number) })}
          />
        </Group>
        <UseForm key={version.id} version={version} onSystem={props.onSystem} onMessage={props.onMessage} />
        <Group gap={8}>
          <Button
            size="xs"
            variant="default"
            onClick={() =>
              setEditing({ name: prompt.name, text: version.text, starters: version.starters.join("\n") })
            }
          >
            {t("Edit {{name}}", { name: prompt.name })}
          </Button>
          <Button
            size="xs"
            variant="subtle"
            c="var(--e-red)"
            loading={work.isBusy}
            onClick={() => void work.run(async () => void (await act(deletePrompt, { id: prompt.id })))}
          >
            {t("Delete {{name}} with its versions", { name: prompt.name })}
          </Button>
        </Group>
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      </Stack>
    );
  };
  return (
    <Modal opened onClose={props.onClose} title={t("Prompt library")} size="lg">
      {editing ? (
        <PromptForm start={editing} onDone={() => setEditing(null)} />
      ) : (
        <Stack gap={16}>
          <Loaded reading={reading}>{(data) => content(data.prompts.nodes)}</Loaded>
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setEditing({ name: "", text: "", starters: "" })}>
              {t("New prompt")}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
