// Writes that come together go together: one commit for all that arrived while the last one was under way.

/** Most items of one write. */
const MOST = 200;

/**
 * A function that hands items to `write`, one call at a time and in order; it resolves when the item's write is done, and
 * rejects with its failure. An item that comes while nothing is written waits `gatherMs` for others.
 */
export function createBatch<Item>(
  write: (items: readonly Item[]) => Promise<void>,
  gatherMs = 0,
): (item: Item) => Promise<void> {
  const waiting: { item: Item; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let isWriting = false;
  async function pump(): Promise<void> {
    isWriting = true;
    if (gatherMs > 0) await Bun.sleep(gatherMs);
    // What the same turn of the loop brings goes along.
    else await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MOST);
      try {
        await write(batch.map(({ item }) => item));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    isWriting = false;
  }
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!isWriting) void pump();
    });
}
