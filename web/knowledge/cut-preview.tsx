// How a text or file would be cut into chunks, live while the settings change; nothing is kept.
import { Button, FileButton, Group, Stack, Text, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconX } from "@tabler/icons-react";
import type { ResultOf } from "gql.tada";
import { useEffect, useState } from "react";
import { ask } from "../api/client.ts";
import { type Problem, toProblem } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { reachable } from "../ui/bits.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { previewQuery } from "./queries.ts";

type Preview = ResultOf<typeof previewQuery>["previewChunks"];
type Chunking = { maxTokens: number; overlapTokens: number };
/** Typing settles for this long before a look is asked for. */
const SETTLE_MS = 400;

export function CutPreview(props: { embedder: string; chunking: Chunking }) {
  const [text, setText] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { maxTokens, overlapTokens } = props.chunking;
  const [settled] = useDebouncedValue(
    JSON.stringify({ text, embedder: props.embedder, maxTokens, overlapTokens }),
    SETTLE_MS,
  );
  useEffect(() => {
    const {
      text: source,
      embedder,
      ...chunking
    } = JSON.parse(settled) as {
      text: string;
      embedder: string;
    } & Chunking;
    if ((!file && source.trim() === "") || !embedder) {
      setPreview(null);
      setProblem(null);
      return;
    }
    let isCurrent = true;
    ask(previewQuery, { input: { ...(file ? { file } : { text: source }), embedder, chunking } }).then(
      (data) => {
        if (!isCurrent) return;
        setPreview(data.previewChunks);
        setProblem(null);
      },
      (thrown: unknown) => {
        if (!isCurrent) return;
        setPreview(null);
        setProblem(toProblem(thrown));
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [settled, file]);
  return (
    <section
      aria-label={t("A look at the chunks")}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        setFile(event.dataTransfer.files[0] ?? null);
      }}
    >
      <Stack gap={8}>
        {file ? (
          <Group gap={8}>
            <Text size="sm" fw={600}>
              {file.name}
            </Text>
            <Button
              size="compact-xs"
              variant="default"
              leftSection={<IconX size={12} aria-hidden />}
              onClick={() => setFile(null)}
            >
              {t("Put it away")}
            </Button>
          </Group>
        ) : (
          <Textarea
            label={t("See how it cuts")}
            description={t("Paste a text, drop a file here, or choose one; nothing is kept.")}
            minRows={3}
            maxRows={5}
            autosize
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        )}
        <div>
          <FileButton onChange={setFile}>
            {(button) => (
              <Button {...button} size="xs" variant="default">
                {t("Choose a file")}
              </Button>
            )}
          </FileButton>
        </div>
        {problem ? <ProblemNotice problem={problem} /> : null}
        {preview ? <Chunks preview={preview} /> : null}
      </Stack>
    </section>
  );
}

function Chunks(props: { preview: Preview }) {
  const { total, chunks, warnings } = props.preview;
  return (
    <>
      <Text size="sm" role="status">
        {t("{{count}} chunks", { count: total })}
        {total > chunks.length ? ` · ${t("the first {{n}} are shown", { n: chunks.length })}` : ""}
      </Text>
      {warnings.map((warning) => (
        <Text key={warning} size="xs" c="dimmed">
          {said(warning)}
        </Text>
      ))}
      <section className="e-chunks" {...reachable} aria-label={t("Chunks")}>
        {chunks.map((chunk, at) => {
          // A part of a table begins with the table's header, which is no part of its range.
          const said = chunk.text.length - (chunk.end - chunk.start);
          const repeated = Math.max(0, (chunks[at - 1]?.end ?? 0) - chunk.start);
          return (
            <article key={`${chunk.start}-${chunk.end}`}>
              <Text size="xs" c="dimmed">
                {[
                  t("Chunk {{n}}", { n: at + 1 }),
                  t("{{n}} tokens", { n: chunk.tokens }),
                  chunk.pageFrom === null ? "" : t("page {{n}}", { n: chunk.pageFrom }),
                  chunk.headings.join(" › "),
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </Text>
              <p>
                {said > 0 ? <span className="e-muted">{chunk.text.slice(0, said)}</span> : null}
                {repeated > 0 ? (
                  <mark title={t("Repeated from the chunk before")}>
                    {chunk.text.slice(said, said + repeated)}
                  </mark>
                ) : null}
                {chunk.text.slice(said + repeated)}
              </p>
            </article>
          );
        })}
      </section>
    </>
  );
}
