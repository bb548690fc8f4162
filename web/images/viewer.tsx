// One image, large: its facts, and what can be done with it; the arrow keys go to those beside it.
import { ActionIcon, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { IconChevronLeft, IconChevronRight, IconDownload } from "@tabler/icons-react";
import { type ReactNode, useEffect } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { dollars } from "../providers/words.ts";
import { Copyable, Facts, When } from "../ui/bits.tsx";
import { useFocusBack } from "../ui/focus-back.ts";
import { bytes, seconds } from "../ui/format.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { deleteThing, sayDeleted } from "../ui/trash.tsx";
import { titleOf } from "./gallery.tsx";
import type { ImageNode } from "./queries.ts";

export function Viewer(props: {
  image: ImageNode;
  /** Ids of those beside it; null at an end. */
  before: string | null;
  after: string | null;
  onOpen: (id: string | null) => void;
  onUseAgain: (image: ImageNode) => void;
  /** Null where the chosen model cannot start from a picture; then the reason is said. */
  onUseAsSource: ((image: ImageNode) => void) | null;
  whyNoSource: string;
}) {
  const { image, before, after, onOpen } = props;
  useFocusBack();
  const work = useWork();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const next = event.key === "ArrowLeft" ? before : event.key === "ArrowRight" ? after : null;
      if (next !== null) onOpen(next);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [before, after, onOpen]);
  const remove = () =>
    void work.run(async () => {
      await act(deleteThing, { id: image.id });
      sayDeleted(t("The image is deleted"), [image.id]);
      onOpen(null);
    });
  const isMade = image.model !== null;
  return (
    <Modal
      opened
      onClose={() => onOpen(null)}
      size="min(1240px, 96vw)"
      title={isMade ? t("Image") : t("Uploaded picture")}
      closeButtonProps={{ "aria-label": t("Close") }}
    >
      <div className="e-image-view">
        <figure>
          <img src={image.url} alt={titleOf(image)} width={image.width} height={image.height} />
          <Group justify="center" gap={8} mt={8}>
            <ActionIcon
              variant="default"
              aria-label={t("Newer image")}
              disabled={before === null}
              onClick={() => onOpen(before)}
            >
              <IconChevronLeft size={16} aria-hidden />
            </ActionIcon>
            <ActionIcon
              variant="default"
              aria-label={t("Older image")}
              disabled={after === null}
              onClick={() => onOpen(after)}
            >
              <IconChevronRight size={16} aria-hidden />
            </ActionIcon>
          </Group>
        </figure>
        <Stack gap={16}>
          {image.prompt ? <Text style={{ whiteSpace: "pre-wrap" }}>{image.prompt}</Text> : null}
          <Facts items={factsOf(image, onOpen)} />
          <Stack gap={8}>
            {isMade ? <Button onClick={() => props.onUseAgain(image)}>{t("Use again")}</Button> : null}
            <Button
              variant="default"
              disabled={props.onUseAsSource === null}
              title={props.onUseAsSource === null ? props.whyNoSource : ""}
              onClick={() => props.onUseAsSource?.(image)}
            >
              {t("Use as source")}
            </Button>
            {props.onUseAsSource === null ? (
              <Text size="xs" c="dimmed">
                {props.whyNoSource}
              </Text>
            ) : null}
            <Button
              variant="default"
              component="a"
              href={`${image.url}?download`}
              download
              leftSection={<IconDownload size={16} aria-hidden />}
            >
              {t("Download")}
            </Button>
            <Gate scope="write">
              <Button variant="subtle" color="red" c="var(--e-red)" loading={work.isBusy} onClick={remove}>
                {t("Delete")}
              </Button>
            </Gate>
          </Stack>
          {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        </Stack>
      </div>
    </Modal>
  );
}

function factsOf(image: ImageNode, onOpen: (id: string) => void): [string, ReactNode][] {
  const { model, fileName, ratio, seed, source, costUsd, latencyMs } = image;
  const size = t("{{width}} × {{height}} pixels, {{size}}", {
    // Sides in pixels are written without separators.
    width: String(image.width),
    height: String(image.height),
    size: bytes(image.sizeBytes),
  });
  const rows: [string, ReactNode][] = [];
  if (model !== null) rows.push([t("Model"), model]);
  if (fileName !== null) rows.push([t("File"), fileName]);
  rows.push([t("Size"), size]);
  if (ratio !== null) rows.push([t("Ratio"), ratio]);
  if (seed !== null)
    rows.push([t("Seed"), <Copyable key="seed" text={String(seed)} label={t("Copy the seed")} />]);
  if (source)
    rows.push([
      t("Started from"),
      <button key="source" type="button" className="e-thumb" onClick={() => onOpen(source.id)}>
        <img src={source.url} alt={titleOf(source)} width={48} height={48} />
      </button>,
    ]);
  if (costUsd !== null) rows.push([t("Cost"), dollars(costUsd)]);
  if (latencyMs !== null) rows.push([t("Took"), seconds(latencyMs)]);
  rows.push([model === null ? t("Uploaded by") : t("Made by"), image.createdBy]);
  rows.push([t("When"), <When key="when" at={image.createdAt} />]);
  return rows;
}
