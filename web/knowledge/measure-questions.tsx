// Labelled questions of a knowledge base: typed in, taken from a file, changed, forgotten.
import { Button, Drawer, Group, MultiSelect, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { reachable, Surface } from "../ui/bits.tsx";
import { FileField } from "../ui/import-frame.tsx";
import { Empty, ProblemNotice } from "../ui/states.tsx";
import type { KnowledgeBase } from "./detail-page.tsx";
import { deleteQuestion, importQuestions, type LabelledQuestion, labelQuestions } from "./measure-queries.ts";

export function Questions(props: { base: KnowledgeBase; questions: LabelledQuestion[] }) {
  const { base, questions } = props;
  const [open, setOpen] = useState<LabelledQuestion | "new" | null>(null);
  const [isImporting, importing] = useDisclosure(false);
  const add = (
    <Group gap={8}>
      <Button size="compact-sm" variant="default" onClick={importing.open}>
        {t("Import questions")}
      </Button>
      <Button size="compact-sm" onClick={() => setOpen("new")}>
        {t("Add a question")}
      </Button>
    </Group>
  );
  return (
    <>
      <Surface title={t("Labelled questions")} aside={<Gate scope="write">{add}</Gate>}>
        {questions.length === 0 ? (
          <Empty
            title={t("No labelled question yet")}
            text={t(
              "Say of some questions which document answers them: here, from a file, or with “This is the right passage” in the playground. Then ways of asking can be compared.",
            )}
          />
        ) : (
          <div className="e-scroll e-questions" {...reachable}>
            <table className="e-table">
              <thead>
                <tr>
                  <th>{t("Question")}</th>
                  <th>{t("Answered by")}</th>
                  <th>{t("Actions")}</th>
                </tr>
              </thead>
              <tbody>
                {questions.map((question) => (
                  <Row key={question.id} question={question} onChange={() => setOpen(question)} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Surface>
      <Drawer
        opened={open !== null}
        onClose={() => setOpen(null)}
        position="right"
        size={520}
        title={open === "new" ? t("Add a question") : t("Change a question")}
      >
        {open ? (
          <QuestionForm base={base} old={open === "new" ? null : open} onDone={() => setOpen(null)} />
        ) : null}
      </Drawer>
      <Drawer
        opened={isImporting}
        onClose={importing.close}
        position="right"
        size={520}
        title={t("Import questions")}
      >
        <ImportForm baseId={base.id} onDone={importing.close} />
      </Drawer>
    </>
  );
}

function Row(props: { question: LabelledQuestion; onChange: () => void }) {
  const { id, text, documents, relevant } = props.question;
  const work = useWork();
  const passages = relevant.filter(({ start }) => start !== null).length;
  return (
    <tr>
      <td>{text}</td>
      <td>
        {documents.length > 0 ? documents.map(({ name }) => name).join(", ") : t("its document is gone")}
        {passages > 0 ? ` (${t("{{count}} passages", { count: passages })})` : ""}
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      </td>
      <td>
        <Gate scope="write">
          <Group gap={4} wrap="nowrap" justify="flex-end">
            <Button size="compact-xs" variant="default" onClick={props.onChange}>
              {t("Change")}
            </Button>
            <Button
              size="compact-xs"
              variant="subtle"
              color="red"
              loading={work.isBusy}
              aria-label={t("Forget {{name}}", { name: text })}
              onClick={() => void work.run(async () => void (await act(deleteQuestion, { id })))}
            >
              {t("Forget")}
            </Button>
          </Group>
        </Gate>
      </td>
    </tr>
  );
}

function QuestionForm(props: { base: KnowledgeBase; old: LabelledQuestion | null; onDone: () => void }) {
  const { base, old } = props;
  const [text, setText] = useState(old?.text ?? "");
  const [documents, setDocuments] = useState(old?.documents.map(({ id }) => id) ?? []);
  const work = useWork();
  const save = async (): Promise<void> => {
    const said = text.trim();
    // Passages that were marked in the playground stay where their document stays.
    const relevant = documents.flatMap((documentId) => {
      const known = old?.relevant.filter((one) => one.documentId === documentId) ?? [];
      return known.length > 0 ? known : [{ documentId }];
    });
    await act(labelQuestions, { knowledgeBase: base.id, questions: [{ text: said, relevant }] });
    if (old && old.text !== said) await act(deleteQuestion, { id: old.id });
    props.onDone();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(save);
      }}
    >
      <Stack gap={16}>
        <TextInput
          label={t("Question")}
          required
          withAsterisk={false}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <MultiSelect
          label={t("Answered by")}
          description={t("Documents that answer it; for one passage of a document use the playground.")}
          data={base.documents.nodes.map(({ id, name }) => ({ value: id, label: name }))}
          value={documents}
          searchable
          limit={50}
          onChange={setDocuments}
        />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end">
          <Button
            type="submit"
            loading={work.isBusy}
            disabled={documents.length === 0 || text.trim() === ""}
            title={documents.length === 0 ? t("Choose a document first.") : undefined}
          >
            {t("Save question")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

type Refused = { line: number; message: string };

function ImportForm(props: { baseId: string; onDone: () => void }) {
  const [files, setFiles] = useState<File[]>([]);
  const [refused, setRefused] = useState<Refused[]>([]);
  const work = useWork();
  const take = async (): Promise<void> => {
    const [file] = files;
    if (!file) return;
    const done = await act(importQuestions, { knowledgeBase: props.baseId, text: await file.text() });
    notifications.show({ message: t("{{count}} questions are kept.", { count: done.count }) });
    setRefused(done.refused);
    if (done.refused.length === 0) props.onDone();
  };
  return (
    <Stack gap={16}>
      <FileField
        label={t("File of questions")}
        hint={t(
          "CSV with the columns question, document and grade (1 to 4, may be left out), or JSONL with question, documents and grade.",
        )}
        files={files}
        onFiles={setFiles}
      />
      {refused.length > 0 ? (
        <div role="alert">
          <Text size="sm" fw={600}>
            {t("{{count}} lines were left out", { count: refused.length })}
          </Text>
          <ul className="e-refused" {...reachable}>
            {refused.map(({ line, message }) => (
              <li key={`${line} ${message}`}>{t("Line {{n}}: {{message}}", { n: line, message })}</li>
            ))}
          </ul>
        </div>
      ) : null}
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Group justify="flex-end">
        <Button
          loading={work.isBusy}
          disabled={files.length === 0}
          title={files.length === 0 ? t("Choose a file first.") : undefined}
          onClick={() => void work.run(take)}
        >
          {t("Import questions")}
        </Button>
      </Group>
    </Stack>
  );
}
