// Moves every stored secret to another key: all columns that hold sealed text, in one transaction.
import { eq } from "drizzle-orm";
import { webhooks } from "../../schema/tables/notifications.ts";
import { providers } from "../../schema/tables/providers.ts";
import type { Secrets } from "./secrets.ts";
import type { Store } from "./store.ts";

/** Seals every secret anew under the server's new secret key; see Secrets.rotate. Returns how many they were. */
export async function rotateSecrets(
  store: Store,
  secrets: Secrets,
  previous?: string,
): Promise<{ resealed: number }> {
  let resealed = 0;
  await secrets.rotate(async (move) => {
    const keys: [id: string, sealed: string][] = [];
    const signing: [id: string, sealed: string][] = [];
    for (const { id, sealedKey } of await store.db.select().from(providers))
      if (sealedKey !== null) keys.push([id, await move(id, sealedKey)]);
    for (const { id, sealedSecret } of await store.db.select().from(webhooks))
      signing.push([id, await move(id, sealedSecret)]);
    await store.write(async (tx) => {
      for (const [id, sealedKey] of keys)
        await tx.update(providers).set({ sealedKey }).where(eq(providers.id, id));
      for (const [id, sealedSecret] of signing)
        await tx.update(webhooks).set({ sealedSecret }).where(eq(webhooks.id, id));
    }, "secrets.rotate");
    resealed = keys.length + signing.length;
  }, previous);
  return { resealed };
}
