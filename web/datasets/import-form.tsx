// Import of a dataset: drop a file, see it go up, be told of bad rows by line, keep the good ones if wanted.
import { Button, Checkbox, Group, Stack, Text, TextInput } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconFileImport } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { upload } from "../api/uploads.ts";
import { t } from "../i18n.ts";
import { bytes } from "../ui/format.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { Bar } from "../ui/status.tsx";
import { importDataset } from "./queries.ts";

/** Files up to this size travel inside the mutation; larger ones by the resumable upload. */
const inMutationBytes = 1024 * 1024;

export function ImportForm(props: { onDone: () => void; firstFile?: File | null }) {
  const [file, setFile] = useState<File | null>(props.firstFile ?? null);
  const [name, setName] = useState(props.firstFile ? nameOf(props.firstFile) : "");
  const [keepGoodRows, setKeepGoodRows] = useState(false);
  const [share, setShare] = useState<number | null>(null);
  const work = useWork();
  const navigate = useNavigate();
  const choose = (chosen: File) => {
    setFile(chosen);
    if (!name) setName(nameOf(chosen));
    work.setProblem(null);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!file) return;
        void work.run(async () => {
          const bytesIn =
            file.size <= inMutationBytes ? { file } : { uploadId: await upload(file, setShare) };
          const done = await act(importDataset, { input: { name: name.trim(), keepGoodRows, ...bytesIn } });
          props.onDone();
          await navigate({ to: `/datasets/${done.dataset.id}` });
        });
      }}
    >
      <Stack gap={16}>
        <Dropzone
          onDrop={(files) => files[0] && choose(files[0])}
          multiple={false}
          inputProps={{ "aria-label": t("Dataset file") }}
          p={24}
          style={{ background: "var(--e-sunk)", borderColor: "var(--e-line)" }}
        >
          <Stack align="center" gap={4}>
            <IconFileImport size={28} color="var(--e-leaf)" aria-hidden />
            {file ? (
              <Text size="sm" fw={600}>
                {file.name}, {bytes(file.size)}
              </Text>
            ) : (
              <Text size="sm" fw={600}>
                {t("Drop a file here, or choose one")}
              </Text>
            )}
            <Text size="xs" c="dimmed" ta="center">
              {t("JSONL, JSON or CSV: Alpaca, prompt and completion, messages, ShareGPT, or any table.")}
            </Text>
          </Stack>
        </Dropzone>
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
        {share !== null && work.isBusy ? <Bar share={share} label={t("Upload")} /> : null}
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

function nameOf(file: File): string {
  return file.name
    .replace(/\.[a-z0-9]+$/i, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-");
}
