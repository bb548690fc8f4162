// What pages that take files share: a drawer opened by its button, by ?import=1 or by dropping files anywhere on the
// page, a field to drop or choose files, and the progress of their upload.
import { Button, Drawer, Group, Stack, Text } from "@mantine/core";
import { Dropzone, type FileWithPath } from "@mantine/dropzone";
import { IconFileImport } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useRef, useState } from "react";
import { upload } from "../api/uploads.ts";
import { t } from "../i18n.ts";
import { bytes } from "./format.ts";
import { Bar } from "./status.tsx";

export type Import = {
  isOpen: boolean;
  /** What was dropped on the page, for the form to begin with. */
  files: FileWithPath[];
  open: (files?: FileWithPath[]) => void;
  close: () => void;
};

/** Whether the drawer is open is part of the address, so that a link can open it. */
export function useImport(): Import {
  const search = useSearch({ strict: false }) as { import?: string };
  const navigate = useNavigate();
  const [files, setFiles] = useState<FileWithPath[]>([]);
  const show = (value: string | undefined) =>
    void navigate({
      to: ".",
      search: (old: Record<string, unknown>) => ({ ...old, import: value }),
      replace: true,
    });
  return {
    isOpen: search.import === "1",
    files,
    open: (dropped = []) => {
      setFiles(dropped);
      show("1");
    },
    close: () => {
      setFiles([]);
      show(undefined);
    },
  };
}

export function ImportDrawer(props: { state: Import; title: string; dropHint: string; children: ReactNode }) {
  const { state } = props;
  return (
    <>
      <Dropzone.FullScreen
        active={!state.isOpen}
        // Nothing of it shows until files are dragged here; the drawer's own field is for the keyboard.
        activateOnKeyboard={false}
        withinPortal={false}
        onDrop={state.open}
        inputProps={{ "aria-label": props.dropHint }}
        styles={{ inner: { height: "100%" } }}
      >
        <Stack align="center" justify="center" mih={220} gap={8} style={{ pointerEvents: "none" }}>
          <IconFileImport size={40} color="var(--e-leaf)" aria-hidden />
          <Text fw={600}>{props.dropHint}</Text>
        </Stack>
      </Dropzone.FullScreen>
      <Drawer opened={state.isOpen} onClose={state.close} position="right" size={440} title={props.title}>
        {props.children}
      </Drawer>
    </>
  );
}

/** "model.gguf, 94 MB", or "7 files, 271 MB". */
function filesText(files: readonly File[]): string {
  const size = bytes(files.reduce((sum, file) => sum + file.size, 0));
  const [first] = files;
  return files.length === 1 && first
    ? `${first.name}, ${size}`
    : t("{{n}} files, {{size}}", { n: files.length, size });
}

export function FileField(props: {
  label: string;
  hint: string;
  files: readonly File[];
  isMany?: boolean;
  onFiles: (files: FileWithPath[]) => void;
}) {
  return (
    <Dropzone
      className="e-drop"
      onDrop={props.onFiles}
      multiple={props.isMany ?? false}
      role="button"
      aria-label={props.label}
      inputProps={{ "aria-label": props.label }}
      p={24}
    >
      <Stack align="center" gap={4}>
        <IconFileImport size={28} color="var(--e-leaf)" aria-hidden />
        <Text size="sm" fw={600}>
          {props.files.length > 0 ? filesText(props.files) : t("Drop a file here, or choose one")}
        </Text>
        <Text size="xs" c="dimmed" ta="center">
          {props.hint}
        </Text>
      </Stack>
    </Dropzone>
  );
}

export type Sending = {
  /** Sends the files one after the other; their upload ids in the same order. Throws AbortError when stopped. */
  send: (files: readonly File[]) => Promise<string[]>;
  stop: () => void;
  sent: { done: number; all: number } | null;
};

/** Uploads with progress: an interrupted part goes on from where the server holds it. */
export function useSending(): Sending {
  const [sent, setSent] = useState<Sending["sent"]>(null);
  const control = useRef<AbortController | null>(null);
  return {
    sent,
    stop: () => control.current?.abort(),
    send: async (files) => {
      const all = files.reduce((sum, file) => sum + file.size, 0);
      const abort = new AbortController();
      control.current = abort;
      let before = 0;
      const ids: string[] = [];
      try {
        for (const file of files) {
          setSent({ done: before, all });
          ids.push(
            await upload(file, (share) => setSent({ done: before + share * file.size, all }), abort.signal),
          );
          before += file.size;
        }
        return ids;
      } finally {
        setSent(null);
      }
    },
  };
}

export function SendingBar(props: { sending: Sending }) {
  const { sent, stop } = props.sending;
  if (!sent) return null;
  return (
    <div>
      <Group justify="space-between" mb={6}>
        <Text size="xs" c="dimmed">
          {t("{{done}} of {{all}} sent", { done: bytes(sent.done), all: bytes(sent.all) })}
        </Text>
        <Button size="compact-xs" variant="default" onClick={stop}>
          {t("Stop sending")}
        </Button>
      </Group>
      <Bar share={sent.all > 0 ? sent.done / sent.all : 0} label={t("Upload")} />
    </div>
  );
}

/** A name made from a file's: what stands before its ending, in small letters. */
export function nameFrom(fileName: string): string {
  return fileName
    .replace(/\.[a-z0-9]+$/i, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-");
}
