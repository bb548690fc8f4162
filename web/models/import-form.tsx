// Import of a base model: from a path on the server's disk, or by sending its file.
import { Button, Group, SegmentedControl, Stack, TextInput } from "@mantine/core";
import type { FileWithPath } from "@mantine/dropzone";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { FileField, nameFrom, SendingBar, useSending } from "../ui/import-frame.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { importModel } from "./queries.ts";

/** Where a dropped file lies: "folder/config.json" for one of a dropped folder, else its name. */
const placeOf = (file: FileWithPath): string[] =>
  (file.path ?? file.name).split("/").filter((part) => part !== "" && part !== ".");

/** Of a dropped folder only what lies at its top, nothing hidden: the parts of a model stand there. */
export const filesOfModel = (files: FileWithPath[]): FileWithPath[] =>
  files.length === 1
    ? files
    : files.filter((file) => placeOf(file).length <= 2 && !file.name.startsWith("."));

/** After the folder where one was dropped, else after the file. */
function nameOfModel(files: FileWithPath[]): string {
  const [first] = files;
  if (!first) return "";
  const place = placeOf(first);
  return nameFrom(place.length > 1 ? `${place[0]}/` : first.name).replaceAll(/^-+|-+$/g, "");
}

export function ImportModelForm(props: { firstFiles: FileWithPath[] }) {
  const [way, setWay] = useState(props.firstFiles.length > 0 ? "upload" : "path");
  const [files, setFiles] = useState(filesOfModel(props.firstFiles));
  const [name, setName] = useState(nameOfModel(props.firstFiles));
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
          const source = way === "upload" ? { uploadIds: await sending.send(files) } : { path: path.trim() };
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
            isMany
            hint={t("A GGUF file, a Hugging Face folder, or its zip.")}
            files={files}
            onFiles={(chosen) => {
              setFiles(filesOfModel(chosen));
              if (!name) setName(nameOfModel(chosen));
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
