// Cuts a document into chunks for retrieval: along its structure, each within a limit of tokens, each overlapping the one before.
import { BLOCK_GAP, type Block, type ParsedDocument } from "./documents/document.ts";

export type ChunkSettings = {
  /** Most tokens of one chunk, what the model adds around a text included. */
  maxTokens: number;
  /** Most tokens that a chunk repeats of the one before, where a section is cut. */
  overlapTokens: number;
};
/** Tokens of each text as the embedding model counts them, what it adds around a text included. */
export type CountTokens = (texts: readonly string[]) => Promise<number[]>;
export type Chunk = {
  /** From 0, in the document's order. */
  ordinal: number;
  /** The document's text from `start` to `end`; in the middle of a table the table's header stands before it. */
  text: string;
  /** The headings that all of it stands under, from the outermost. */
  headings: readonly string[];
  pageFrom: number | null;
  pageTo: number | null;
  /** Character range in `documentText`. */
  start: number;
  end: number;
  tokens: number;
};

/** What is never cut: a heading, a sentence, a table's row, an item of a list, a line of code. */
type Piece = {
  start: number;
  end: number;
  block: Block;
  tokens: number;
  /** Belongs to what follows: a heading, a table's header. */
  isLead: boolean;
  /** Of a table's row: the header, to be said again where a chunk begins with the row. */
  header?: { text: string; tokens: number };
};

/** Texts counted in one call. */
const COUNT_BATCH = 2_000;
/** A gap is looked for this far from the middle of what is too long: text without blanks is cut anywhere. */
const LONGEST_WORD = 1_000;
/** Sections are gathered until a chunk is this full: a document of short sections makes no chunk of one line. */
const FULL_ENOUGH = 0.5;
/** Ends of sentences, also in scripts that write no blank after them; and ends of lines. */
const SENTENCE_END = /(?<=[.!?…]["'”’)\]]*)\s+(?=\S)|(?<=[。！？；]["'”’）」』]*)|\n+/g;

/**
 * The document's chunks: together they hold all of its text, and the same document and settings make the same chunks.
 * @throws RangeError where the settings leave no room
 */
export async function chunkDocument(
  document: Pick<ParsedDocument, "blocks">,
  { maxTokens, overlapTokens }: ChunkSettings,
  countTokens: CountTokens,
): Promise<Chunk[]> {
  const count = inBatches(countTokens);
  const [around = 0] = await count([""]);
  const room = maxTokens - around;
  if (room < 8 || overlapTokens < 0 || overlapTokens * 2 > maxTokens)
    throw new RangeError(`chunks of ${maxTokens} tokens that repeat ${overlapTokens} are not possible`);
  const pieces = await cut(document.blocks, room, async (texts) =>
    (await count(texts)).map((tokens) => tokens - around),
  );
  const spans = pack(pieces, room, overlapTokens);
  return fit(spans, pieces, document.blocks, { maxTokens, room }, count);
}

function inBatches(countTokens: CountTokens): CountTokens {
  return async (texts) => {
    const counts: number[] = [];
    for (let at = 0; at < texts.length; at += COUNT_BATCH)
      counts.push(...(await countTokens(texts.slice(at, at + COUNT_BATCH))));
    return counts;
  };
}

/** All pieces of the document, none with more than `room` tokens. */
async function cut(blocks: readonly Block[], room: number, count: CountTokens): Promise<Piece[]> {
  let offset = 0;
  const raw = blocks.flatMap((block) => {
    const from = offset;
    offset += block.text.length + BLOCK_GAP.length;
    return rangesOf(block).map(([start, end], at) => ({
      start: from + start,
      end: from + end,
      block,
      text: block.text.slice(start, end),
      isLead: block.kind === "heading" || (block.kind === "table" && at === 0),
    }));
  });
  const counts = await count(raw.map(({ text }) => text));
  const pieces: Piece[] = [];
  let header: Piece["header"];
  for (const [at, { text, ...piece }] of raw.entries()) {
    const tokens = counts[at] ?? 0;
    const isRow = piece.block.kind === "table" && !piece.isLead;
    if (piece.block.kind === "table" && piece.isLead) header = { text, tokens };
    // A header that would take most of the chunk is not said again.
    const said = isRow && header && header.tokens * 3 <= room ? { header } : {};
    if (tokens <= room) pieces.push({ ...piece, tokens, ...said });
    else pieces.push(...(await halve(text, { ...piece, isLead: false, tokens, ...said }, room, count)));
  }
  return pieces;
}

/** Where a block may be cut, as ranges of its text without the blanks between them. */
function rangesOf({ kind, text }: Block): [start: number, end: number][] {
  if (kind === "heading") return [[0, text.length]];
  const ranges: [number, number][] = [];
  let start = 0;
  for (const { index, 0: gap } of text.matchAll(kind === "paragraph" ? SENTENCE_END : /\n+/g)) {
    if (index > start) ranges.push([start, index]);
    start = index + gap.length;
  }
  if (start < text.length) ranges.push([start, text.length]);
  if (kind !== "table") return ranges;
  // The header and the line below it are one.
  const [[from] = [0], [, to] = [0, 0], ...rows] = ranges;
  return [[from, to], ...rows];
}

/** A piece that is too long even alone, cut at blanks (of a row, between cells) near the middle until each part fits. */
async function halve(text: string, piece: Piece, room: number, count: CountTokens): Promise<Piece[]> {
  let parts: { start: number; end: number; tokens: number }[] = [
    { start: 0, end: text.length, tokens: piece.tokens },
  ];
  while (parts.some(({ start, end, tokens }) => tokens > room && end - start > 1)) {
    const ranges = parts.flatMap(({ start, end, tokens }): [number, number][] => {
      if (tokens <= room || end - start < 2) return [[start, end]];
      const [left, right] = halfOf(text, start, end);
      return [
        [start, left],
        [right, end],
      ];
    });
    const counts = await count(ranges.map(([start, end]) => text.slice(start, end)));
    parts = ranges.map(([start, end], at) => ({ start, end, tokens: counts[at] ?? 0 }));
  }
  return parts.map(({ start, end, tokens }) => ({
    ...piece,
    start: piece.start + start,
    end: piece.start + end,
    tokens,
  }));
}

/** End of the first half and start of the second, which leave out the blank between them. */
function halfOf(text: string, start: number, end: number): [left: number, right: number] {
  const middle = (start + end) >> 1;
  for (const isGap of [(at: number) => text.startsWith(" | ", at), (at: number) => /\s/.test(text[at] ?? "")])
    for (let off = 0; off < Math.min(middle - start, LONGEST_WORD); off++)
      for (const at of [middle + off, middle - off])
        if (at > start && at < end - 1 && isGap(at)) return [at, at + 1];
  // Half of a letter outside the basic plane is no letter.
  const isLowHalf = /[\udc00-\udfff]/.test(text[middle] ?? "");
  const at = isLowHalf && middle - 1 > start ? middle - 1 : middle;
  return [at, at];
}

/** Pieces `from` to `to`, the last left out. */
type Span = { from: number; to: number };

/** Fills chunks with pieces; a section begins a new one where the last is full enough, and leads stay with what follows. */
function pack(pieces: readonly Piece[], room: number, overlapTokens: number): Span[] {
  const spans: Span[] = [];
  let from = 0;
  let tokens = 0;
  const opening = (at: number): number => headerOf(pieces, at, room)?.tokens ?? 0;
  const begin = (at: number, until: number): void => {
    from = at;
    tokens = opening(at);
    for (let k = at; k < until; k++) tokens += pieces[k]?.tokens ?? 0;
  };
  begin(0, 0);
  for (const [at, piece] of pieces.entries()) {
    const isSection = piece.block.kind === "heading" && pieces[at - 1]?.block.kind !== "heading";
    while (at > from && (tokens + piece.tokens > room || (isSection && tokens >= room * FULL_ENOUGH))) {
      let to = at;
      while (to - 1 > from && pieces[to - 1]?.isLead) to--;
      // What only repeats is no chunk: its lead goes on alone.
      if (to > (spans.at(-1)?.to ?? 0)) spans.push({ from, to });
      begin(to === at ? overlapFrom(at) : to, at);
    }
    tokens += piece.tokens;
  }
  if (from < pieces.length) spans.push({ from, to: pieces.length });
  return spans;

  /** The first piece to repeat before piece `at`: of the same section, within the overlap, never the whole chunk. */
  function overlapFrom(at: number): number {
    const next = pieces[at];
    let sum = 0;
    let first = at;
    for (let k = at - 1; k > from && next; k--) {
      const { tokens: more, isLead, block } = pieces[k] ?? next;
      sum += more;
      if (isLead || block.path.join("\n") !== next.block.path.join("\n") || sum > overlapTokens) break;
      if (opening(k) + sum + next.tokens > room) break;
      first = k;
    }
    return first;
  }
}

/** What is said again before piece `at` where a chunk begins with it. */
function headerOf(pieces: readonly Piece[], at: number, room: number): Piece["header"] {
  const piece = pieces[at];
  return piece?.header && piece.header.tokens + piece.tokens <= room ? piece.header : undefined;
}

/** Makes the chunks; where joined text has more tokens than its pieces, a chunk is cut once more. */
async function fit(
  spans: readonly Span[],
  pieces: readonly Piece[],
  blocks: readonly Block[],
  { maxTokens, room }: { maxTokens: number; room: number },
  count: CountTokens,
): Promise<Chunk[]> {
  const whole = blocks.map(({ text }) => text).join(BLOCK_GAP);
  let made = spans.map((span) => ({ ...span, tokens: -1, bare: false }));
  const textOf = ({ from, to, bare }: (typeof made)[number]): string => {
    const header = bare ? undefined : headerOf(pieces, from, room);
    const text = whole.slice(pieces[from]?.start, pieces[to - 1]?.end);
    return header ? `${header.text}\n${text}` : text;
  };
  for (;;) {
    const open = made.filter(({ tokens }) => tokens < 0);
    if (open.length === 0) break;
    const counts = await count(open.map(textOf));
    for (const [at, span] of open.entries()) span.tokens = counts[at] ?? 0;
    let end = 0;
    made = made.flatMap((span) => {
      const { from, to, bare } = span;
      const fresh = Math.max(from, end);
      end = to;
      // A single letter may have more tokens than fit: no cut mends that.
      if (span.tokens <= maxTokens || (to - from < 2 && bare)) return [span];
      if (to - from < 2) return [{ from, to, tokens: -1, bare: true }];
      // What it repeats goes first: half of a chunk must not be all repetition.
      if (fresh > from) return [{ from: fresh, to, tokens: -1, bare }];
      const middle = (from + to) >> 1;
      return [
        { from, to: middle, tokens: -1, bare },
        { from: middle, to, tokens: -1, bare },
      ];
    });
  }
  return made.map((span, ordinal) => {
    const own = pieces.slice(span.from, span.to);
    const pages = own.flatMap(({ block }) => block.page ?? []);
    return {
      ordinal,
      text: textOf(span),
      headings: commonTrail(own.map(({ block }) => block.path)),
      pageFrom: pages[0] ?? null,
      pageTo: pages.at(-1) ?? null,
      start: own[0]?.start ?? 0,
      end: own.at(-1)?.end ?? 0,
      tokens: span.tokens,
    };
  });
}

function commonTrail(trails: readonly (readonly string[])[]): string[] {
  const [first = [], ...others] = trails;
  const differs = first.findIndex((heading, at) => others.some((trail) => trail[at] !== heading));
  return differs === -1 ? [...first] : first.slice(0, differs);
}
