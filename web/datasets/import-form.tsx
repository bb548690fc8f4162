// Import of a dataset: drop a file, see it go up, be told of bad rows by line, keep the good ones if wanted.
import { Button, Checkbox, Group, Stack, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { FileField, nameFrom, SendingBar, useSending } from "../ui/import-frame.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { importDataset } from "./queries.ts";

/** Files up to this size travel inside the mutation; larger ones by the resumable upload. */
const inMutationBytes = 1024 * 1024;

export function ImportForm(props: { firstFile: File | undefined }) {
  const [file, setFile] = useState(props.firstFile);
  const [name, setName] = useState(props.firstFile ? nameFrom(props.firstFile.name) : "");
  const [keepGoodRows, setKeepGoodRows] = useState(false);
  const sending = useSending();
  const work = useWork();
  const navigate = useNavigate();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!file) return;
        void work.run(async () => {
          const bytesIn =
            file.size <= inMutationBytes ? { file } : { uploadId: (await sending.send([file]))[0] ?? "" };
          const done = await act(importDataset, { input: { name: name.trim(), keepGoodRows, ...bytesIn } });
          await navigate({ to: `/datasets/${done.dataset.id}` });
        });
      }}
    >
      <Stack gap={16}>
        <FileField
          label={t("Dataset file")}
          hint={t("JSONL, JSON or CSV: Alpaca, prompt and completion, messages, ShareGPT, or any table.")}
          files={file ? [file] : []}
          onFiles={([chosen]) => {
            if (!chosen) return;
            setFile(chosen);
            if (!name) setName(nameFrom(chosen.name));
            work.setProblem(null);
          }}
        />
        <TextInput
          label={t("Name")}
          required
          withAsterisk={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Checkbox
          label={t("Keep the good rows when some are bad")}
          description={t("Otherwise a bad row stops the import and is named by its line.")}
          checked={keepGoodRows}
          onChange={(event) => setKeepGoodRows(event.currentTarget.checked)}
        />
        <SendingBar sending={sending} />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end">
          <Button
            type="submit"
            loading={work.isBusy}
            disabled={!file}
            title={file ? undefined : t("Choose a file first.")}
          >
            {t("Import dataset")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
