// Which colours a person or key chose, kept by the server so that it follows them to every device.
import { eq } from "drizzle-orm";
import { z } from "zod";
import { settings } from "../../schema/tables/accounts.ts";
import type { Store } from "../store/store.ts";

/** Which colours somebody wants to see. */
export const looks = ["system", "light", "dark"] as const;
export type Look = (typeof looks)[number];
type Owner = { userId: string | null; keyId: string | null };

const lookSchema = z.enum(looks).catch("system");
const settingOf = ({ userId, keyId }: Owner): string => `look ${userId ?? keyId}`;

/** The choice; "system" before there was one. */
export async function readLook(store: Store, owner: Owner): Promise<Look> {
  const [row] = await store.db
    .select()
    .from(settings)
    .where(eq(settings.key, settingOf(owner)));
  return lookSchema.parse(row?.value);
}

/** Remembers the choice. */
export async function writeLook(store: Store, owner: Owner, look: Look): Promise<void> {
  await store.write(async (tx) => {
    await tx
      .insert(settings)
      .values({ key: settingOf(owner), value: look })
      .onConflictDoUpdate({ target: settings.key, set: { value: look } });
  });
}
