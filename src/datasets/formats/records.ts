// Cuts a file's bytes into records (lines, quoted CSV records, elements of a JSON array) in constant memory.

/** One record's bytes; `bytes` is null where it was longer than the limit and therefore never held. */
export type RawRecord = {
  line: number;
  bytes: Uint8Array | null;
  size: number;
  problem?: "unclosed" | "trailing";
};

/** Finds where records end, chunk by chunk. */
export type Splitter = {
  /** Appends the records that end inside `chunk`. The chunk may be reused by the caller afterwards only when copied. */
  feed(chunk: Uint8Array, out: RawRecord[]): void;
  /** Appends what remains at the end of the file. */
  end(out: RawRecord[]): void;
};

/** Holds the open record's pieces, up to a limit in bytes; past it, only counts. */
export class Pieces {
  #parts: Uint8Array[] = [];
  #size = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  add(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#size > this.#limit) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  take(line: number): RawRecord {
    const size = this.#size;
    const parts = this.#parts;
    this.#size = 0;
    this.#parts = [];
    if (size > this.#limit) return { line, bytes: null, size };
    const only = parts.length === 1 ? parts[0] : undefined;
    return { line, bytes: only ?? Buffer.concat(parts), size };
  }
}

const LF = 10;
const CR = 13;

/** Records that end at a line feed. */
export function lineSplitter(limit: number): Splitter {
  const pieces = new Pieces(limit);
  let line = 1;
  return {
    feed(chunk, out) {
      let from = 0;
      for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
        pieces.add(chunk.subarray(from, at));
        out.push(pieces.take(line));
        line++;
        from = at + 1;
      }
      pieces.add(chunk.subarray(from));
    },
    end(out) {
      if (pieces.size > 0) out.push(pieces.take(line));
    },
  };
}

/** CSV records: a line feed ends one unless it stands inside a quoted field (RFC 4180). */
export function csvSplitter(limit: number, delimiter: string): Splitter {
  const pieces = new Pieces(limit);
  const separator = delimiter.charCodeAt(0);
  let line = 1;
  let startLine = 1;
  let quoted = false;
  let fieldStart = true;
  return {
    feed(chunk, out) {
      let from = 0;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at];
        if (byte === 34) {
          // A doubled quote closes and opens again, which leaves the state right without looking ahead.
          if (quoted) quoted = false;
          else if (fieldStart || chunk[at - 1] === 34) quoted = true;
          fieldStart = false;
          continue;
        }
        if (byte === LF) {
          line++;
          if (!quoted) {
            pieces.add(chunk.subarray(from, at));
            out.push(pieces.take(startLine));
            startLine = line;
            from = at + 1;
            fieldStart = true;
          }
        } else fieldStart = byte === separator;
      }
      pieces.add(chunk.subarray(from));
    },
    end(out) {
      if (pieces.size === 0) return;
      const record = pieces.take(startLine);
      out.push(quoted ? { ...record, problem: "unclosed" } : record);
    },
  };
}

/**
 * The elements of a JSON array. Bytes before the first `[` are skipped. What follows the closing bracket comes as a last
 * record with the problem "trailing", unless it is blank or closes the object that the array stands in.
 */
export function arraySplitter(limit: number): Splitter {
  let pieces = new Pieces(limit);
  let line = 1;
  let startLine = 1;
  let depth = 0;
  let state: "before" | "inside" | "after" = "before";
  let inText = false;
  let escaped = false;
  let blank = true;
  let wrapped = false;
  return {
    feed(chunk, out) {
      let from = 0;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] ?? 0;
        if (byte === LF) line++;
        if (state === "before") {
          if (byte === 123) wrapped = true;
          if (byte === 91) {
            state = "inside";
            from = at + 1;
            startLine = line;
          }
          continue;
        }
        if (state === "after") {
          if (blank && byte !== 32 && byte !== LF && byte !== CR && byte !== 9) {
            blank = false;
            startLine = line;
          }
          continue;
        }
        if (inText) {
          if (escaped) escaped = false;
          else if (byte === 92) escaped = true;
          else if (byte === 34) inText = false;
          continue;
        }
        if (byte === 32 || byte === LF || byte === CR || byte === 9) continue;
        if ((byte === 44 && depth === 0) || (byte === 93 && depth === 0)) {
          pieces.add(chunk.subarray(from, at));
          if (!blank || byte === 44) out.push(pieces.take(startLine));
          else pieces = new Pieces(limit);
          from = at + 1;
          blank = true;
          if (byte === 93) state = "after";
          continue;
        }
        if (blank) {
          blank = false;
          startLine = line;
        }
        if (byte === 34) inText = true;
        else if (byte === 123 || byte === 91) depth++;
        else if (byte === 125 || byte === 93) depth--;
      }
      if (state !== "before") pieces.add(chunk.subarray(from));
    },
    end(out) {
      if (state === "after" && blank) return;
      const rest = pieces.take(startLine);
      if (state !== "after") out.push({ ...rest, problem: "unclosed" });
      else if (!wrapped || !closesObject(rest)) out.push({ ...rest, problem: "trailing" });
    },
  };
}

/** Whether what follows `{"data": [ … ]` makes a whole object of it. */
function closesObject({ bytes }: RawRecord): boolean {
  try {
    JSON.parse(`{"data":[]${new TextDecoder().decode(bytes ?? new Uint8Array())}`);
    return true;
  } catch {
    return false;
  }
}
