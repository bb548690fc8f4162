// What each person wants to be told, and where: by kind, in the bell and as a notification of the browser.
import { eq, inArray } from "drizzle-orm";
import { z } from "zod";
import { settings } from "../../schema/tables/accounts.ts";
import type { Reader, Store } from "../store/store.ts";
import { allKinds, type NotificationKind } from "./kinds.ts";

export type Preference = { kind: NotificationKind; inBell: boolean; inBrowser: boolean };

/** Only what was switched off is kept, so that a new kind is on for everybody. */
const shape = z
  .object({ noBell: z.array(z.string()), noBrowser: z.array(z.string()) })
  .catch({ noBell: [], noBrowser: [] });
const settingOf = (recipientId: string): string => `notifications ${recipientId}`;

/** All kinds, with what the person or key wants of each. */
export async function readPreferences(db: Reader, recipientId: string): Promise<Preference[]> {
  const [row] = await db
    .select()
    .from(settings)
    .where(eq(settings.key, settingOf(recipientId)));
  const { noBell, noBrowser } = shape.parse(row?.value);
  return allKinds.map((kind) => ({
    kind,
    inBell: !noBell.includes(kind),
    inBrowser: !noBell.includes(kind) && !noBrowser.includes(kind),
  }));
}

/** Remembers what they want of one kind; what is not in the bell is nowhere. */
export async function writePreference(store: Store, recipientId: string, wanted: Preference): Promise<void> {
  await store.write(async (tx) => {
    const others = (await readPreferences(tx, recipientId)).filter(({ kind }) => kind !== wanted.kind);
    const all = [...others, wanted];
    const value = {
      noBell: all.filter(({ inBell }) => !inBell).map(({ kind }) => kind),
      noBrowser: all.filter(({ inBrowser }) => !inBrowser).map(({ kind }) => kind),
    };
    await tx
      .insert(settings)
      .values({ key: settingOf(recipientId), value })
      .onConflictDoUpdate({ target: settings.key, set: { value } });
  }, "notification.prefer");
}

/** Those of the recipients who want the kind. */
export async function whoWants(
  db: Reader,
  kind: NotificationKind,
  recipientIds: readonly string[],
): Promise<string[]> {
  if (recipientIds.length === 0) return [];
  const rows = await db
    .select()
    .from(settings)
    .where(inArray(settings.key, recipientIds.map(settingOf)));
  const off = new Set(
    rows.filter(({ value }) => shape.parse(value).noBell.includes(kind)).map(({ key }) => key),
  );
  return recipientIds.filter((id) => !off.has(settingOf(id)));
}
