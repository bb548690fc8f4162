// Moves every stored secret to another key: all columns that hold sealed text, and what the trash keeps of them, in one transaction.
import { eq, like } from "drizzle-orm";
import { webhooks } from "../../schema/tables/notifications.ts";
import { providers } from "../../schema/tables/providers.ts";
import { type DiscardedRow, trash } from "../../schema/tables/trash.ts";
import { isEspalierError } from "../kit/errors.ts";
import { ID_PREFIX } from "../kit/ids.ts";
import type { Tx } from "./connections.ts";
import type { Secrets } from "./secrets.ts";
import type { Store } from "./store.ts";

type Move = Parameters<Parameters<Secrets["rotate"]>[0]>[0];

const SEALED_KEY = providers.sealedKey.name;

/**
 * Seals every secret anew under the server's new secret key; see Secrets.rotate. Returns how many they were. Read where
 * they are written: a provider that goes into the trash meanwhile, or comes back, is not missed.
 */
export async function rotateSecrets(
  store: Store,
  secrets: Secrets,
  previous?: string,
): Promise<{ resealed: number }> {
  let resealed = 0;
  await secrets.rotate(async (move) => {
    resealed = await store.write(async (tx) => {
      const keys = (await tx.select().from(providers)).flatMap(({ id, sealedKey }) =>
        sealedKey === null ? [] : [{ id, sealedKey }],
      );
      for (const { id, sealedKey } of keys)
        await tx
          .update(providers)
          .set({ sealedKey: await move(id, sealedKey) })
          .where(eq(providers.id, id));
      const signing = await tx.select().from(webhooks);
      for (const { id, sealedSecret } of signing)
        await tx
          .update(webhooks)
          .set({ sealedSecret: await move(id, sealedSecret) })
          .where(eq(webhooks.id, id));
      return keys.length + signing.length + (await moveDiscarded(tx, move));
    }, "secrets.rotate");
  }, previous);
  return { resealed };
}

/** The same for keys of providers that wait in the trash. Returns how many they were. */
async function moveDiscarded(tx: Tx, move: Move): Promise<number> {
  let moved = 0;
  const gone = await tx
    .select()
    .from(trash)
    .where(like(trash.id, `${ID_PREFIX.provider}_%`));
  for (const { id, rows } of gone) {
    const anew: DiscardedRow[] = [];
    for (const one of rows) {
      const sealed = one.row[SEALED_KEY];
      const key = typeof sealed === "string" ? await moveIfOpen(move, id, sealed) : null;
      if (key !== null) moved++;
      anew.push(key === null ? one : { ...one, row: { ...one.row, [SEALED_KEY]: key } });
    }
    await tx.update(trash).set({ rows: anew }).where(eq(trash.id, id));
  }
  return moved;
}

/** Null for a key that was lost already: nobody can enter it again there, and it must not stand in the way of the others. */
async function moveIfOpen(move: Move, id: string, sealed: string): Promise<string | null> {
  try {
    return await move(id, sealed);
  } catch (error) {
    if (isEspalierError(error)) return null;
    throw error;
  }
}
