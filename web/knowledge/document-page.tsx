// One document: its text as it was read, opened at the passage that a citation or a search names.
import { Button, Group, Stack, Text } from "@mantine/core";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { Facts, reachable, Surface } from "../ui/bits.tsx";
import { ConfirmButton } from "../ui/confirm.tsx";
import { bytes, count } from "../ui/format.ts";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { hashFact, idFact, whenFact } from "../ui/things.tsx";
import { StatePill } from "./documents.tsx";
import { blocksQuery, deleteDocument, documentQuery, retryDocument } from "./queries.ts";

type Document = NonNullable<ResultOf<typeof documentQuery>["document"]>;
type Blocks = NonNullable<NonNullable<ResultOf<typeof blocksQuery>["document"]>["blocks"]>;
type Block = Blocks["blocks"][number];
/** A range of characters in the document's text. */
type Range = { start: number; end: number };

const BLOCKS = 100;

export function DocumentPage() {
  const { id, document: documentId } = useParams({ strict: false }) as { id: string; document: string };
  const search = useSearch({ strict: false }) as { chunk?: string };
  const reading = useData(documentQuery, {
    id: documentId,
    chunk: search.chunk ?? "",
    hasChunk: search.chunk !== undefined,
  });
  const work = useWork();
  const found = reading.data?.document ?? null;
  return (
    <Page
      title={found?.name ?? t("Document")}
      crumb={{ label: found?.knowledgeBase.name ?? t("Knowledge base"), to: `/knowledge/${id}` }}
      aside={found ? <StatePill state={found.state} /> : null}
    >
      <Loaded reading={reading}>
        {() => {
          if (!found) return <Empty title={t("No such document")} text={t("It may have been deleted.")} />;
          return (
            <div className="e-columns">
              <Stack gap={16}>
                {found.error ? <ProblemNotice problem={found.error} /> : null}
                {work.problem ? <ProblemNotice problem={work.problem} /> : null}
                {search.chunk !== undefined && !found.chunk ? (
                  <Text size="sm" role="status">
                    {t("The passage is not in the index any more: the document was cut anew since.")}
                  </Text>
                ) : null}
                <DocumentText key={search.chunk ?? ""} id={found.id} range={found.chunk ?? null} />
              </Stack>
              <Stack gap={16}>
                <Surface title={t("What it is")}>
                  <Facts items={factsOf(found)} />
                  {found.warnings.map((warning) => (
                    <Text key={warning} size="xs" mt={8}>
                      {said(warning)}
                    </Text>
                  ))}
                </Surface>
                <Group gap={8}>
                  {found.state === "FAILED" ? (
                    <Button
                      variant="default"
                      loading={work.isBusy}
                      onClick={() => work.run(async () => void (await act(retryDocument, { id: found.id })))}
                    >
                      {t("Retry")}
                    </Button>
                  ) : null}
                  <ConfirmButton
                    button={t("Delete")}
                    title={t("Delete {{name}}?", { name: found.name })}
                    sentence={t(
                      "It answers no more and waits in the trash for seven days; brought back, it is read again.",
                    )}
                    confirm={t("Delete {{name}}", { name: found.name })}
                    done={t("{{name}} is deleted", { name: found.name })}
                    backTo={`/knowledge/${id}`}
                    undoId={found.id}
                    run={async () => void (await act(deleteDocument, { id: found.id }))}
                  />
                </Group>
              </Stack>
            </div>
          );
        }}
      </Loaded>
    </Page>
  );
}

function factsOf(document: Document): Parameters<typeof Facts>[0]["items"] {
  return [
    [t("Title"), document.title ?? "–"],
    [t("Format"), document.format ?? "–"],
    [t("Pages"), document.pages === null ? "–" : count(document.pages)],
    [t("Chunks"), document.chunkCount === null ? "–" : count(document.chunkCount)],
    [t("Size"), bytes(document.sizeBytes)],
    ...(document.run
      ? [
          [
            t("Log"),
            <Link key="log" to={`/runs/${document.run.id}`}>
              {t("See its log")}
            </Link>,
          ] satisfies [string, ReactNode],
        ]
      : []),
    whenFact(t("Added"), document.createdAt),
    hashFact(document.hash),
    idFact(document.id),
  ];
}

function DocumentText(props: { id: string; range: Range | null }) {
  const [offset, setOffset] = useState<number | null>(null);
  const place = offset === null ? { at: props.range?.start ?? 0, offset: null } : { at: null, offset };
  const reading = useData(blocksQuery, { id: props.id, limit: BLOCKS, ...place });
  return (
    <Loaded reading={reading} rows={8}>
      {(data) => {
        const page = data.document?.blocks;
        if (!page) return <Empty title={t("No text yet")} text={t("It is there as soon as it was read.")} />;
        const first = page.blocks[0]?.index ?? 0;
        const last = (page.blocks.at(-1)?.index ?? 0) + 1;
        return (
          <Surface title={t("Text")}>
            <TextOf blocks={page.blocks} range={props.range} />
            {page.total > page.blocks.length ? (
              <Group gap={8} mt={12}>
                <Button
                  size="xs"
                  variant="default"
                  disabled={first === 0}
                  onClick={() => setOffset(Math.max(0, first - BLOCKS))}
                >
                  {t("Before")}
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  disabled={last >= page.total}
                  onClick={() => setOffset(last)}
                >
                  {t("After")}
                </Button>
                <Text size="sm" c="dimmed">
                  {t("{{from}} to {{to}} of {{total}} blocks", {
                    from: first + 1,
                    to: last,
                    total: page.total,
                  })}
                </Text>
              </Group>
            ) : null}
          </Surface>
        );
      }}
    </Loaded>
  );
}

function TextOf(props: { blocks: Block[]; range: Range | null }) {
  const { blocks, range } = props;
  const text = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // jsdom and some embedded views lack it.
    text.current?.querySelector("mark")?.scrollIntoView?.({ block: "center" });
  }, []);
  return (
    <div className="e-text" ref={text}>
      {blocks.map((block, at) => (
        <div key={block.index}>
          {block.page !== null && block.page !== blocks[at - 1]?.page ? (
            <div className="e-page-mark">{t("Page {{n}}", { n: block.page })}</div>
          ) : null}
          <BlockView block={block} range={range} />
        </div>
      ))}
    </div>
  );
}

/** A part of the document's text from character `start` on, with what lies in the passage marked. */
function marked(text: string, start: number, range: Range | null): ReactNode {
  const from = Math.max(0, Math.min(text.length, (range?.start ?? 0) - start));
  const to = Math.max(0, Math.min(text.length, (range?.end ?? 0) - start));
  if (!range || to <= from) return text;
  return (
    <>
      {text.slice(0, from)}
      <mark>{text.slice(from, to)}</mark>
      {text.slice(to)}
    </>
  );
}

function BlockView(props: { block: Block; range: Range | null }) {
  const { block, range } = props;
  if (block.kind === "heading") {
    // The page's own heading is the first level.
    const Heading = (["h2", "h2", "h3", "h4"] as const)[Math.min(3, block.level ?? 1)] ?? "h4";
    return <Heading>{marked(block.text, block.start, range)}</Heading>;
  }
  if (block.kind === "table") return <TableView block={block} range={range} />;
  if (block.kind === "code")
    return (
      <pre className="e-mono" {...reachable}>
        {marked(block.text, block.start, range)}
      </pre>
    );
  return <p>{marked(block.text, block.start, range)}</p>;
}

/** Rows of GitHub's Markdown as a table; a row of the passage is marked whole. */
function TableView(props: { block: Block; range: Range | null }) {
  let start = props.block.start;
  const lines = props.block.text.split("\n").map((line) => {
    const row = { line, start };
    start += line.length + 1;
    return row;
  });
  const [header, , ...rows] = lines;
  const cellsOf = (line: string): string[] =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll("\\|", "|"));
  const shown = (row: { line: string; start: number }, cell: string): ReactNode => {
    const { range } = props;
    const isIn = range !== null && row.start < range.end && row.start + row.line.length > range.start;
    return isIn && cell !== "" ? <mark>{cell}</mark> : cell;
  };
  return (
    <section className="e-scroll" {...reachable} aria-label={t("Table")}>
      <table className="e-table">
        <thead>
          <tr>
            {header
              ? cellsOf(header.line).map((cell, at) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: the columns of one unchanging table
                  <th key={at}>{shown(header, cell)}</th>
                ))
              : null}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.start}>
              {cellsOf(row.line).map((cell, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the columns of one unchanging table
                <td key={at}>{shown(row, cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
