// Import of a base model: from a path on the server's disk, or by sending its file.
import { Button, Group, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { FileField, nameFrom, SendingBar, useSending } from "../ui/import-frame.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { importModel } from "./queries.ts";

export function ImportModelForm(props: { firstFiles: File[] }) {
  const [way, setWay] = useState(props.firstFiles.length > 0 ? "upload" : "path");
  const [files, setFiles] = useState(props.firstFiles);
  const [name, setName] = useState(nameFrom(props.firstFiles[0]?.name ?? ""));
  const [path, setPath] = useState("");
  const sending = useSending();
  const work = useWork();
  const navigate = useNavigate();
  const missing = way === "upload" && files.length === 0 ? t("Choose a file first.") : undefined;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(async () => {
          const source =
            way === "upload"
              ? { uploadId: (await sending.send(files.slice(0, 1)))[0] ?? "" }
              : { path: path.trim() };
          const done = await act(importModel, { input: { name: name.trim(), ...source } });
          await navigate({ to: `/runs/${done.run.id}` });
        });
      }}
    >
      <Stack gap={16}>
        <SegmentedControl
          value={way}
          onChange={setWay}
          fullWidth
          aria-label={t("Where the model is")}
          data={[
            { value: "path", label: t("On the server's disk") },
            { value: "upload", label: t("Upload a file") },
          ]}
        />
        {way === "path" ? (
          <TextInput
            label={t("Path")}
            description={t(
              "A Hugging Face folder with safetensors, or a GGUF file. It is read, never changed.",
            )}
            required
            withAsterisk={false}
            value={path}
            onChange={(event) => setPath(event.currentTarget.value)}
            onBlur={() => name || setName(nameFrom(path.replace(/\/+$/, "").split("/").at(-1) ?? ""))}
          />
        ) : (
          <FileField
            label={t("Model file")}
            hint={t("A GGUF file, or a zip of a Hugging Face folder.")}
            files={files}
            onFiles={(chosen) => {
              setFiles(chosen);
              if (!name) setName(nameFrom(chosen[0]?.name ?? ""));
              work.setProblem(null);
            }}
          />
        )}
        <TextInput
          label={t("Name")}
          required
          withAsterisk={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <SendingBar sending={sending} />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end">
          <Button type="submit" loading={work.isBusy} disabled={missing !== undefined} title={missing}>
            {t("Import model")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
