// Chance that can be repeated: the same seed gives the same numbers on every machine.

/**
 * A source of numbers from 0 up to, but not including, 1; the seed is taken as 32 bits. Not for secrets.
 * mulberry32 by Tommy Ettinger, 2017 (public domain): period 2^32, one state word.
 */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
