// Adding documents: files and whole folders, dropped or chosen, sent one after the other and read in the background.
import { Button, Group, List, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useRef, useState } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { FileField, SendingBar, useSending } from "../ui/import-frame.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { addDocuments } from "./queries.ts";

/** Files named in one call; more are added by further calls. */
const FILES_PER_CALL = 50;
const SHOWN = 8;

/** Path within the folder that was dropped or chosen, else the file's name. */
export function pathOfFile(file: File & { path?: string }): string {
  const path = file.webkitRelativePath || file.path || file.name;
  return path.replace(/^(\.?\/)+/, "");
}
/** What systems leave in folders is no document. */
const isHidden = (file: File): boolean =>
  pathOfFile(file)
    .split("/")
    .some((part) => part.startsWith("."));

export function AddForm(props: { knowledgeBase: string; firstFiles: readonly File[]; onDone: () => void }) {
  const [files, setFiles] = useState(props.firstFiles.filter((file) => !isHidden(file)));
  const folder = useRef<HTMLInputElement>(null);
  const sending = useSending();
  const work = useWork();
  const take = (more: readonly File[]): void => {
    work.setProblem(null);
    setFiles((old) => {
      const known = new Set(old.map(pathOfFile));
      return [...old, ...more.filter((file) => !isHidden(file) && !known.has(pathOfFile(file)))];
    });
  };
  const add = async (): Promise<void> => {
    let left = files;
    let repeated = 0;
    while (left.length > 0) {
      const some = left.slice(0, FILES_PER_CALL);
      const ids = await sending.send(some);
      const named = some.map((file, at) => ({ name: pathOfFile(file), uploadId: ids[at] ?? "" }));
      const done = await act(addDocuments, { input: { knowledgeBase: props.knowledgeBase, files: named } });
      repeated += done.items.filter(({ wasThere }) => wasThere).length;
      left = left.slice(FILES_PER_CALL);
      // What is added stays added when a later part fails.
      setFiles(left);
    }
    notifications.show({
      color: "leaf",
      message: [
        files.length > repeated
          ? t("{{count}} documents are being read.", { count: files.length - repeated })
          : "",
        repeated > 0 ? t("{{count}} documents were there already.", { count: repeated }) : "",
      ]
        .filter(Boolean)
        .join(" "),
    });
    props.onDone();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (files.length > 0) void work.run(add);
      }}
    >
      <Stack gap={16}>
        <FileField
          label={t("Documents")}
          hint={t(
            "Text, Markdown, HTML, PDF, Word, PowerPoint, Excel, CSV, EPUB, JSON or code; folders too.",
          )}
          files={files}
          isMany
          onFiles={take}
        />
        <input
          ref={folder}
          type="file"
          hidden
          multiple
          aria-label={t("Folder of documents")}
          {...{ webkitdirectory: "" }}
          onChange={(event) => take([...(event.currentTarget.files ?? [])])}
        />
        <div>
          <Button variant="default" size="xs" onClick={() => folder.current?.click()}>
            {t("Choose a folder")}
          </Button>
        </div>
        {files.length > 0 ? (
          <List size="sm">
            {files.slice(0, SHOWN).map((file) => (
              <List.Item key={pathOfFile(file)}>{pathOfFile(file)}</List.Item>
            ))}
          </List>
        ) : null}
        {files.length > SHOWN ? (
          <Text size="sm" c="dimmed">
            {t("and {{n}} more", { n: files.length - SHOWN })}
          </Text>
        ) : null}
        <SendingBar sending={sending} />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end">
          <Button
            type="submit"
            loading={work.isBusy}
            disabled={files.length === 0}
            title={files.length > 0 ? undefined : t("Choose files first.")}
          >
            {t("Add documents")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
