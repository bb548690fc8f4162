// A report as one HTML file that needs nothing else: no script, no request, for a screen in light and dark and for paper.
import { createHash } from "node:crypto";
import type { Effort } from "../../schema/tables/assessments.ts";
import { limits } from "../kit/limits.ts";
import { tookText } from "../kit/took.ts";
import type { AssessmentRow, CandidateRow } from "./assessments.ts";
import type { AssessedRow, ScoredAnswer, Slices } from "./reading.ts";
import type { Report } from "./report.ts";
import type { ScoreInterval } from "./statistics/statistics.ts";

export type HtmlReport = {
  assessment: AssessmentRow;
  candidates: readonly CandidateRow[];
  graders: readonly string[];
  report: Report;
  /** What it took; null until its run ended. */
  actual: Effort | null;
  slices: Slices | null;
  /** Which rows are shown, in words, and how many there are. */
  shown: { words: string; count: number };
  rows: AsyncIterable<AssessedRow>;
  writtenAt: number;
};

/** Longest text that is shown whole, in characters. */
const LONGEST = 4_000;

const STYLE = `:root{color-scheme:light dark;--ink:#1b1f1c;--muted:#5d655f;--line:#d9dbd4;--bg:#fff;--blue:#1f5fd6;--red:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e9ece9;--muted:#a0a9a3;--line:#39403b;--bg:#151916;--blue:#7faaf8;--red:#f3857c}}
@media print{:root{--ink:#000;--muted:#444;--line:#bbb;--bg:#fff;--blue:#1f5fd6;--red:#b3261e}tr,figure{break-inside:avoid}thead{display:table-header-group}}
body{margin:0 auto;max-width:1200px;padding:24px;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums}
h1,h2{line-height:1.2}h2{margin-top:32px;font-size:18px}.verdict{font-size:18px;font-weight:600}.muted,small,caption{color:var(--muted)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;padding-bottom:4px}
th,td{border-bottom:1px solid var(--line);padding:6px 12px 6px 0;text-align:left;vertical-align:top}
.texts td{min-width:120px;max-width:360px;overflow-wrap:anywhere}.texts pre{margin:0;font:inherit;white-space:pre-wrap;unicode-bidi:isolate}
small{display:block}dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px}dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
svg{display:block}.axis{stroke:var(--line)}.range{fill:var(--blue);opacity:.45}.mean{fill:var(--blue)}.wrong{color:var(--red)}`;

/** Nothing may run or be asked for, and no style but the one above: what an answer says stays text. */
export const HTML_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'`;

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
/** Text as HTML shows it; what no HTML may hold becomes U+FFFD. */
export function escapeHtml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that HTML refuses
      .replaceAll(/[\u0000-\u0008\u000B\u000E-\u001F\u007F]/g, "\uFFFD")
      .replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)
  );
}

const two = (value: number): string => value.toFixed(2);
const signed = (value: number): string => `${value < 0 ? "−" : "+"}${two(Math.abs(value))}`;
const small = (p: number): string => (p < 0.001 ? "&lt; 0.001" : p.toFixed(3));
const range = ({ low, high }: { low: number; high: number }, say = two): string =>
  `${say(low)} to ${say(high)}`;

/** A text of its own direction, cut where it is very long. */
function quoted(text: string): string {
  // Two halves of one sign must not be parted.
  const cut = text.length > LONGEST ? text.slice(0, LONGEST).replace(/[\uD800-\uDBFF]$/, "") : text;
  const rest = text.length - cut.length;
  const more = rest > 0 ? `<small>${rest} more characters; the JSONL file has all.</small>` : "";
  return `<pre dir="auto">${escapeHtml(cut)}</pre>${more}`;
}

/** The file in parts, from its first line to its last. */
export async function* htmlReport(wish: HtmlReport): AsyncGenerator<string, void, void> {
  const { assessment, report } = wish;
  yield `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${HTML_POLICY}">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">
<title>${escapeHtml(assessment.name)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(assessment.name)}</h1>
<p class="verdict">${escapeHtml(report.verdict.english)}</p>
${report.unscored > 0 ? `<p class="muted">${report.unscored} answers could not be scored and count for nothing.</p>` : ""}
`;
  yield candidateTable(report, wish.graders);
  if (report.pairs.length > 0) yield pairTable(report);
  if (wish.slices) yield sliceTable(wish.slices, wish.candidates);
  yield settingsList(wish);
  yield* rowTable(wish);
  yield "</body></html>\n";
}

function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<div class="scroll" tabindex="0"><table><caption>${caption}</caption><thead><tr>${head
    .map((word) => `<th scope="col">${word}</th>`)
    .join("")}</tr></thead><tbody>${rows
    .map(
      ([first = "", ...rest]) =>
        `<tr><th scope="row">${first}</th>${rest.map((cell) => `<td>${cell}</td>`).join("")}</tr>`,
    )
    .join("\n")}</tbody></table></div>\n`;
}

/** A mean as a dot within its interval, from 0 to 1. */
function bar(name: string, interval: ScoreInterval): string {
  const x = (value: number): string => (4 + 152 * value).toFixed(1);
  const width = Math.max(1, 152 * (interval.high - interval.low)).toFixed(1);
  const label = escapeHtml(`${name}: ${two(interval.mean)}, ${range(interval)}`);
  return `<svg role="img" aria-label="${label}" width="160" height="16" viewBox="0 0 160 16"><line class="axis" x1="4" x2="156" y1="15" y2="15"/><rect class="range" x="${x(interval.low)}" y="6" width="${width}" height="4" rx="2"/><circle class="mean" cx="${x(interval.mean)}" cy="8" r="4"/></svg>`;
}

function scoreCell(interval: ScoreInterval | null): string {
  return interval
    ? `<strong>${two(interval.mean)}</strong> <span class="muted">${range(interval)}</span>`
    : "–";
}

function candidateTable({ candidates }: Report, graders: readonly string[]): string {
  const rows = candidates.map((one) => [
    escapeHtml(one.candidate.name),
    scoreCell(one.interval) +
      (graders.length > 1
        ? one.graders
            .map(
              ({ label, interval }) =>
                `<small>${escapeHtml(label)}: ${interval ? two(interval.mean) : "–"}</small>`,
            )
            .join("")
        : ""),
    one.interval ? bar(one.candidate.name, one.interval) : "",
    String(one.interval?.n ?? 0),
    String(one.failed),
    one.medianLatencyMs === null ? "–" : `${one.medianLatencyMs} ms`,
    `${one.inputTokens}, ${one.outputTokens}`,
    one.costUsd === null ? "–" : `$${one.costUsd.toPrecision(3)}`,
  ]);
  const head = ["Candidate", "Score", "0 … 1", "Rows", "Failed", "Median time", "Tokens in, out", "Cost"];
  return `<h2>Candidates</h2>\n${table("Mean scores from 0 to 1 with 95 % intervals (Wilson’s where each score is 0 or 1, else the percentile bootstrap).", head, rows)}`;
}

function pairTable({ pairs }: Report): string {
  const rows = pairs.map((pair) => [
    `${escapeHtml(pair.first.name)}<small>against ${escapeHtml(pair.second.name)}</small>`,
    `${pair.wins}, ${pair.ties}, ${pair.losses}`,
    `<strong>${signed(pair.difference)}</strong> <span class="muted">${range(pair, signed)}</span>`,
    `${small(pair.adjustedP)} <span class="muted">${pair.test}</span>`,
    pair.detectable === null ? "–" : two(pair.detectable),
    pair.rowsNeeded === null ? "–" : String(pair.rowsNeeded),
  ]);
  const head = ["Pair", "Better, same, worse", "Difference", "p (Holm)", "Shows from", "Rows to show it"];
  return `<h2>Row by row against each other</h2>\n${table("Only rows that both have a score for.", head, rows)}`;
}

function sliceTable({ column, compared, slices }: Slices, candidates: readonly CandidateRow[]): string {
  const head = [
    escapeHtml(column),
    "Rows",
    ...candidates.map(({ name }) => escapeHtml(name)),
    ...(compared ? [`${escapeHtml(compared[0].name)} less ${escapeHtml(compared[1].name)}`, "p (Holm)"] : []),
  ];
  const rows = slices.map((slice) => [
    slice.label === "" ? "(empty)" : escapeHtml(slice.label),
    String(slice.rows),
    ...slice.scores.map(({ interval }) => scoreCell(interval)),
    ...(compared
      ? slice.difference
        ? [
            `<strong>${signed(slice.difference.difference)}</strong> <span class="muted">${range(slice.difference, signed)}</span>`,
            small(slice.difference.adjustedP),
          ]
        : ["–", "–"]
      : []),
  ]);
  const note =
    "Each interval stands for itself: of twenty, about one misses. p is corrected for the number of slices.";
  return `<h2>By ${escapeHtml(column)}</h2>\n${table(note, head, rows)}`;
}

function settingsList({ assessment, candidates, graders, actual, writtenAt }: HtmlReport): string {
  const { sample, rows } = assessment;
  const took = tookText(actual, assessment.forecast);
  const items: [string, string][] = [
    ["Dataset", assessment.datasetName],
    ["Split", assessment.split ?? "all"],
    ["Rows", String(rows?.length ?? 0)],
    ["Sample", sample.kind === "all" ? "all" : `${sample.kind}, seed ${sample.seed}`],
    ["Question", assessment.question],
    ["Right answer", assessment.reference ?? "–"],
    ["Graders", graders.join(", ")],
    ["Longest answer", `${assessment.maxTokens} tokens`],
    ["Temperature", String(assessment.temperature)],
    ...candidates.flatMap(({ name, systemPrompt }): [string, string][] =>
      systemPrompt === null ? [] : [[`System prompt of ${name}`, systemPrompt]],
    ),
    ...(took === null ? [] : [["Took", took] satisfies [string, string]]),
    ["Started", `${new Date(assessment.createdAt).toISOString()} by ${assessment.createdBy}`],
    ["Written", new Date(writtenAt).toISOString()],
  ];
  const list = items.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`);
  return `<h2>What it is</h2>\n<dl>${list.join("\n")}</dl>\n`;
}

async function* rowTable({
  candidates,
  graders,
  shown,
  rows,
}: HtmlReport): AsyncGenerator<string, void, void> {
  yield `<h2>Answers</h2>\n<p class="muted">${escapeHtml(shown.words)}: ${shown.count}.</p>\n`;
  if (shown.count === 0) return;
  const names = ["Row", "Asked", "Right answer", ...candidates.map(({ name }) => escapeHtml(name))];
  yield `<div class="scroll" tabindex="0"><table class="texts"><thead><tr>${names.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead><tbody>\n`;
  let written = 0;
  let bytes = 0;
  for await (const row of rows) {
    if (written >= limits.reportHtmlRows || bytes >= limits.reportHtmlBytes) break;
    const text = rowOf(row, candidates, graders);
    written += 1;
    bytes += text.length;
    yield text;
  }
  yield "</tbody></table></div>\n";
  if (written < shown.count)
    yield `<p><strong>The first ${written} of ${shown.count} rows are shown</strong>, because a page takes ${limits.reportHtmlRows} rows and ${limits.reportHtmlBytes / 2 ** 20} MiB of them; the CSV and JSONL files have all.</p>\n`;
}

function rowOf(
  { row, answers }: AssessedRow,
  candidates: readonly CandidateRow[],
  graders: readonly string[],
): string {
  const [first] = answers;
  const cells = candidates.map(({ id }) => {
    const answer = answers.find(({ candidateId }) => candidateId === id);
    return answer ? answerCell(answer, graders) : "–";
  });
  const reference = first?.reference ?? null;
  return `<tr><td>${row}</td><td>${quoted(first?.sent.at(-1)?.content ?? "")}</td><td>${reference === null ? "–" : quoted(reference)}</td>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>\n`;
}

function answerCell({ text, error, scores, latencyMs }: ScoredAnswer, graders: readonly string[]): string {
  if (text === null) return `<span class="wrong">${escapeHtml(error?.message ?? "failed")}</span>`;
  const said = graders.map((label, at) => {
    const value = scores.find(({ grader }) => grader === at)?.value ?? null;
    return `${graders.length > 1 ? `${escapeHtml(label)}: ` : ""}${value === null ? "unscored" : two(value)}`;
  });
  return `${quoted(text)}<small>${said.join(", ")} · ${latencyMs} ms</small>`;
}
