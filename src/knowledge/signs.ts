// A coarse picture of a large index in memory: of each vector the signs alone, a bit for each number, in which the nearest
// are found by counting bits that differ; their true distances are then asked of few. 48 bytes a chunk of 384 numbers.
// The vectors are centred before, so that a number that is positive everywhere tells something too.
import { sql } from "drizzle-orm";
import { limits } from "../kit/limits.ts";
import type { Reader } from "../store/store.ts";
import { ownBuffer, tablesOf } from "./indexes.ts";

type Block = { rowids: ArrayBuffer; validity: ArrayBuffer; vectors: ArrayBuffer };
type Row = { number: number; vector: Float32Array };

/** Vectors that vec0 keeps in one row of its tables. */
const BLOCK_ROWS = 1_024;
/** Blocks by which the centre is guessed. */
const BLOCKS_FOR_CENTRE = 8;
const BITS = 32;

export class Signs {
  readonly #index: number;
  #centre = new Float32Array();
  /** Words of 32 signs for each vector, one vector after the other. */
  #signs = new Uint32Array();
  #numbers: number[] = [];
  #last = 0;
  #refreshing: Promise<void> | undefined;

  constructor(index: number) {
    this.#index = index;
  }

  get size(): number {
    return this.#numbers.length;
  }

  /**
   * Takes in what has come to the index since; numbers of chunks only ever grow. What went stays, and is for the caller
   * to leave out.
   */
  refresh(db: Reader): Promise<void> {
    this.#refreshing ??= this.#takeIn(db).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #takeIn(db: Reader): Promise<void> {
    const { blocks, places, vectors } = shadowsOf(this.#index);
    const [top] = await db.all<{ last: number | null }>(sql`SELECT max(rowid) AS last FROM ${places}`);
    const last = top?.last ?? 0;
    if (last === this.#last) return;
    const fresh = await db.all<{ id: number }>(
      sql`SELECT DISTINCT chunk_id AS id FROM ${places} WHERE rowid > ${this.#last} ORDER BY chunk_id`,
    );
    const read = async (id: number): Promise<Row[]> => {
      const [block] = await db.all<Block>(
        sql`SELECT b.rowids AS rowids, b.validity AS validity, v.vectors AS vectors
          FROM ${blocks} AS b JOIN ${vectors} AS v ON v.rowid = b.chunk_id WHERE b.chunk_id = ${id}`,
      );
      return block ? rowsOf(block) : [];
    };
    if (this.size === 0) {
      const step = Math.ceil(fresh.length / BLOCKS_FOR_CENTRE);
      const some = await Promise.all(fresh.filter((_, at) => at % step === 0).map(({ id }) => read(id)));
      this.#centre = meanOf(some.flat());
    }
    for (const { id } of fresh)
      this.#add((await read(id)).filter(({ number }) => number > this.#last && number <= last));
    this.#last = last;
  }

  /** Numbers of the chunks whose signs differ least from the vector's, `count` or somewhat more, in no order. */
  nearest(vector: Float32Array, count: number): number[] {
    const asked = new Uint32Array(this.#words);
    this.#write(vector, asked, 0);
    const words = this.#words;
    const distances = new Uint16Array(this.size);
    const tally = new Uint32Array(words * BITS + 1);
    for (let row = 0, at = 0; row < distances.length; row++) {
      let distance = 0;
      for (let word = 0; word < words; word++, at++)
        distance += bitsOf((this.#signs[at] ?? 0) ^ (asked[word] ?? 0));
      distances[row] = distance;
      tally[distance] = (tally[distance] ?? 0) + 1;
    }
    let most = 0;
    for (let sum = tally[0] ?? 0; sum < count && most < tally.length - 1; sum += tally[most] ?? 0) most++;
    return this.#numbers.filter((_, row) => (distances[row] ?? 0) <= most);
  }

  get #words(): number {
    return Math.ceil(this.#centre.length / BITS);
  }

  #add(rows: readonly Row[]): void {
    const from = this.size * this.#words;
    const needed = from + rows.length * this.#words;
    if (this.#signs.length < needed) {
      const larger = new Uint32Array(Math.max(needed, this.#signs.length * 1.5));
      larger.set(this.#signs);
      this.#signs = larger;
    }
    rows.forEach(({ number, vector }, at) => {
      this.#numbers.push(number);
      this.#write(vector, this.#signs, from + at * this.#words);
    });
  }

  #write(vector: Float32Array, to: Uint32Array, at: number): void {
    for (let word = 0; word < this.#words; word++) {
      let bits = 0;
      for (let bit = 0; bit < BITS; bit++) {
        const place = word * BITS + bit;
        if ((vector[place] ?? 0) > (this.#centre[place] ?? 0)) bits |= 1 << bit;
      }
      to[at + word] = bits;
    }
  }
}

/** Whether an index is so large that its signs are worth their memory. */
export async function isWorthSigns(db: Reader, index: number): Promise<boolean> {
  const [counted] = await db.all<{ blocks: number }>(
    sql`SELECT count(*) AS blocks FROM ${shadowsOf(index).blocks}`,
  );
  return (counted?.blocks ?? 0) * BLOCK_ROWS >= limits.searchSignsFrom;
}

/** The tables in which vec0 keeps its vectors (sqlite-vec's ARCHITECTURE.md, version 0.1). */
function shadowsOf(index: number) {
  const name = tablesOf(index).vectors.value;
  const shadow = (ending: string) => sql.identifier(`${name}_${ending}`);
  return { blocks: shadow("chunks"), places: shadow("rowids"), vectors: shadow("vector_chunks00") };
}

function rowsOf({ rowids, validity, vectors }: Block): Row[] {
  const numbers = new BigInt64Array(ownBuffer(rowids));
  const valid = new Uint8Array(validity);
  const values = new Float32Array(ownBuffer(vectors));
  const dimensions = values.length / numbers.length;
  const rows: Row[] = [];
  numbers.forEach((number, slot) => {
    const isHeld = ((valid[slot >> 3] ?? 0) >> (slot & 7)) & 1;
    if (isHeld)
      rows.push({
        number: Number(number),
        vector: values.subarray(slot * dimensions, (slot + 1) * dimensions),
      });
  });
  return rows;
}

function meanOf(rows: readonly Row[]): Float32Array<ArrayBuffer> {
  const mean = new Float32Array(rows[0]?.vector.length ?? 0);
  for (const { vector } of rows)
    for (let at = 0; at < mean.length; at++) mean[at] = (mean[at] ?? 0) + (vector[at] ?? 0) / rows.length;
  return mean;
}

/** How many of 32 bits are set (Warren, Hacker's Delight, 5-1). */
function bitsOf(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
