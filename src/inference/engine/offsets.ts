// Where each token of a text begins and ends, in bytes: the tokenizer library gives ids alone.
import type { Tokenizer } from "@huggingface/tokenizers";

/** [start, end) of a token in the UTF-8 bytes of the text. */
export type ByteSpan = readonly [start: number, end: number];

const SPACE = 0x20;

/** The byte that each character of a byte-level vocabulary stands for (GPT-2's table). */
const byteOf: ReadonlyMap<string, number> = (() => {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const table = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++)
    table.set(String.fromCodePoint(isPrintable(byte) ? byte : next++), byte);
  return table;
})();

/** The bytes that a token adds to a text; null for a special one, which adds none. */
export function bytesOfToken(tokenizer: Tokenizer, id: number, isByteLevel: boolean): Uint8Array | null {
  const added = tokenizer.get_added_tokens_decoder().get(id);
  if (added) return added.special ? null : Buffer.from(added.content);
  const token = tokenizer.id_to_token(id);
  if (token === undefined) return null;
  const [first, second] = readings(token, false);
  return (isByteLevel ? first : (second ?? first)) ?? null;
}

/** What a token may stand for: as it is, byte-level, a byte written out, or with spaces as U+2581. */
function readings(token: string, isAdded: boolean): Uint8Array[] {
  if (isAdded) return [Buffer.from(token)];
  const written = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  if (written !== undefined) return [Uint8Array.of(Number.parseInt(written, 16))];
  const bytes = [...token].map((character) => byteOf.get(character));
  const byteLevel = bytes.every((byte) => byte !== undefined) ? [Uint8Array.from(bytes)] : [];
  return [...byteLevel, Buffer.from(token.replaceAll("\u2581", " "))];
}

const isWhite = (byte: number | undefined): boolean =>
  byte === SPACE || (byte !== undefined && byte >= 9 && byte <= 13);

/**
 * Byte spans of `ids` in `text`, or null where a token does not show up in it (a tokenizer that rewrites text). A space that the tokenizer put before a word has no bytes; white space that a token swallows
 * belongs to none.
 */
export function byteSpans(tokenizer: Tokenizer, ids: readonly number[], text: string): ByteSpan[] | null {
  const whole = Buffer.from(text);
  const added = tokenizer.get_added_tokens_decoder();
  const startsAt = (part: Uint8Array, at: number): boolean =>
    at + part.length <= whole.length && part.every((byte, i) => whole[at + i] === byte);
  const spans: ByteSpan[] = [];
  let cursor = 0;
  for (const id of ids) {
    const special = added.get(id)?.content;
    const token = special ?? tokenizer.id_to_token(id);
    if (token === undefined) return null;
    const candidates =
      id === tokenizer.model?.unk_token_id ? [characterAt(cursor)] : readings(token, special !== undefined);
    const found =
      spanAt(candidates, cursor) ??
      spanAt(
        candidates.flatMap((one) => (one[0] === SPACE ? [one.subarray(1)] : [])),
        cursor,
      ) ??
      spanAt(candidates, afterWhite(cursor));
    if (!found) return null;
    spans.push(found);
    cursor = found[1];
  }
  return spans;

  function spanAt(candidates: readonly Uint8Array[], at: number): ByteSpan | null {
    const fitting = candidates.find((one) => startsAt(one, at));
    return fitting ? [at, at + fitting.length] : null;
  }
  function characterAt(at: number): Uint8Array {
    let end = at + 1;
    while ((whole[end] ?? 0) >> 6 === 0b10) end++;
    return whole.subarray(at, end);
  }
  function afterWhite(from: number): number {
    let at = from;
    while (isWhite(whole[at])) at++;
    return at;
  }
}
