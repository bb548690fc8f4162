// The gallery: images as a grid to walk with the arrow keys, those in the making before them, and more on demand.
import { Button, Group, Skeleton, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { isOver, useLiveRun } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { isTyping } from "../shell/shortcuts.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { RunProgress } from "../ui/status.tsx";
import { deleteThing, sayDeleted } from "../ui/trash.tsx";
import type { ImageNode, RequestNode } from "./queries.ts";

/** What an image is called. */
export const titleOf = (image: { prompt: string | null; fileName: string | null }): string =>
  image.prompt ?? image.fileName ?? "";

export function Gallery(props: {
  images: readonly ImageNode[];
  total: number;
  hasMore: boolean;
  onMore: () => void;
  onOpen: (id: string) => void;
  search: string;
  onSearch: (text: string) => void;
}) {
  const { images } = props;
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      if (event.key !== "/" || isTyping(event)) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <section aria-label={t("Gallery")}>
      <Group justify="space-between" mb={12} gap={8}>
        <TextInput
          ref={field}
          aria-label={t("Search the images")}
          placeholder={t("Search by words or model")}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={props.search}
          onChange={(event) => props.onSearch(event.currentTarget.value)}
          w={280}
        />
        <Text size="xs" c="dimmed">
          {props.total === 1 ? t("one image") : t("{{n}} images", { n: props.total })}
        </Text>
      </Group>
      {images.length === 0 ? (
        <Text size="sm" c="dimmed" py={24} ta="center">
          {props.search === ""
            ? t("No images yet. What you make, and the pictures that you start from, are kept here.")
            : t("No image has these words.")}
        </Text>
      ) : (
        // biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys go from button to button within
        <div className="e-gallery" onKeyDown={walk}>
          {images.map((image) => (
            <button key={image.id} type="button" data-id={image.id} onClick={() => props.onOpen(image.id)}>
              <img src={image.url} alt={titleOf(image)} loading="lazy" decoding="async" />
              {image.model === null ? <span className="e-pill">{t("uploaded")}</span> : null}
            </button>
          ))}
        </div>
      )}
      {props.hasMore ? (
        <Group justify="center" mt={16}>
          <Button variant="default" onClick={props.onMore}>
            {t("Show more")}
          </Button>
        </Group>
      ) : null}
    </section>
  );
}

/** Arrow keys move the focus among the images as they stand. */
function walk(event: KeyboardEvent<HTMLDivElement>): void {
  const all = [...event.currentTarget.querySelectorAll("button")];
  const at = all.findIndex((one) => one === document.activeElement);
  const first = all[0]?.offsetTop;
  const columns = Math.max(1, all.filter((one) => one.offsetTop === first).length);
  const steps: Record<string, number> = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowDown: columns,
    ArrowUp: -columns,
    j: 1,
    k: -1,
  };
  const step = steps[event.key];
  const next = step === undefined || at < 0 ? undefined : all[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** A request whose images are not all there: how far it is, or why it failed, with what can be done about it. */
export function Waiting(props: { request: RequestNode; onProgress: () => void }) {
  const { request, onProgress } = props;
  const work = useWork();
  const { run } = request;
  const live = useLiveRun(run ?? noRun);
  const made = Math.max(request.madeCount, live.step ?? 0);
  const seen = useRef(made);
  useEffect(() => {
    if (seen.current === made) return;
    seen.current = made;
    onProgress();
  }, [made, onProgress]);
  const isMaking = run !== null && !isOver(live.status);
  return (
    <article className="e-surface e-waiting" aria-label={request.prompt}>
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap={12}>
        <Text size="sm" fw={600} lineClamp={2}>
          {request.prompt}
        </Text>
        {isMaking ? null : (
          <Button
            size="compact-xs"
            variant="default"
            style={{ flexShrink: 0 }}
            loading={work.isBusy}
            onClick={() =>
              work.run(async () => {
                await act(deleteThing, { id: request.id });
                sayDeleted(t("The request is forgotten"), [request.id]);
              })
            }
          >
            {t("Forget it")}
          </Button>
        )}
      </Group>
      <Text size="xs" c="dimmed" mb={8}>
        {t("{{made}} of {{wanted}} images · {{model}}", {
          made,
          wanted: request.count,
          model: request.model,
        })}
      </Text>
      {isMaking ? (
        <div className="e-waiting-images" aria-hidden>
          {Array.from({ length: request.count - made }, (_, place) => `place-${place}`).map((key) => (
            <Skeleton
              key={key}
              radius={8}
              height={96}
              width="auto"
              style={{ aspectRatio: (request.ratio ?? "1:1").replace(":", " / ") }}
            />
          ))}
        </div>
      ) : null}
      {run ? <RunProgress run={run} /> : null}
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
    </article>
  );
}

const noRun: NonNullable<RequestNode["run"]> = {
  id: "",
  kind: "MAKE_IMAGES",
  name: "",
  status: "CANCELLED",
  progress: null,
  step: null,
  totalSteps: null,
  etaSeconds: null,
  subjectId: null,
  cancelRequestedAt: null,
  error: null,
};
