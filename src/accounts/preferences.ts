// Which colours and language a person or key chose, kept by the server so that it follows them to every device.
import { eq } from "drizzle-orm";
import { z } from "zod";
import { settings } from "../../schema/tables/accounts.ts";
import type { Store } from "../store/store.ts";

/** Which colours somebody wants to see. */
export const looks = ["system", "light", "dark"] as const;
/** Which language somebody reads; "system" is the browser's. */
export const languages = ["system", "en", "de", "zh"] as const;
export type Look = (typeof looks)[number];
export type Language = (typeof languages)[number];
/** Null where nobody chose yet, so that a choice made before the sign-in is not overruled. */
export type Preferences = { look: Look; language: Language | null };
type Owner = { userId: string | null; keyId: string | null };

const shapes: { [Name in keyof Preferences]: z.ZodType<Preferences[Name]> } = {
  look: z.enum(looks).catch("system"),
  language: z.enum(languages).nullable().catch(null),
};
const settingOf = (name: string, { userId, keyId }: Owner): string => `${name} ${userId ?? keyId}`;

/** The choice; what stands for none before there was one. */
export async function readPreference<Name extends keyof Preferences>(
  store: Store,
  owner: Owner,
  name: Name,
): Promise<Preferences[Name]> {
  const [row] = await store.db
    .select()
    .from(settings)
    .where(eq(settings.key, settingOf(name, owner)));
  return shapes[name].parse(row?.value);
}

/** Remembers the choice. */
export async function writePreference<Name extends keyof Preferences>(
  store: Store,
  owner: Owner,
  name: Name,
  value: NonNullable<Preferences[Name]>,
): Promise<void> {
  await store.write(async (tx) => {
    await tx
      .insert(settings)
      .values({ key: settingOf(name, owner), value })
      .onConflictDoUpdate({ target: settings.key, set: { value } });
  });
}
