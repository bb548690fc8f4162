// Another text for a message, in its place: saved by Enter with Ctrl or ⌘, left by Escape.
import { Button, Group, Textarea } from "@mantine/core";
import { useState } from "react";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { PictureTray } from "./pictures.tsx";
import type { Shown } from "./use-pictures.ts";

export function MendForm(props: {
  text: string;
  /** Pictures that are kept unless they are removed. */
  pictures: readonly Shown[];
  label: string;
  action: string;
  onDone: (text: string, pictures: readonly Shown[]) => Promise<void>;
  onCancel: () => void;
}) {
  const [text, setText] = useState(props.text);
  const [pictures, setPictures] = useState(props.pictures);
  const work = useWork();
  const done = () => work.run(() => props.onDone(text, pictures));
  return (
    <form
      className="e-mend"
      onSubmit={(event) => {
        event.preventDefault();
        void done();
      }}
    >
      <PictureTray
        pictures={pictures.map((one) => ({ ...one, key: one.id, kept: one, problem: null }))}
        onRemove={(id) => setPictures(pictures.filter((one) => one.id !== id))}
      />
      <Textarea
        aria-label={props.label}
        autosize
        minRows={2}
        maxRows={16}
        value={text}
        autoFocus
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") props.onCancel();
          else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void done();
        }}
      />
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Group justify="flex-end" gap={8} mt={8}>
        <Button size="xs" variant="default" onClick={props.onCancel}>
          {t("Discard")}
        </Button>
        <Button size="xs" type="submit" loading={work.isBusy}>
          {props.action}
        </Button>
      </Group>
    </form>
  );
}
