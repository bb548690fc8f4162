// Private addresses that an admin confirmed, by project, host and port: asked at each call, kept while something leads there.
import { and, eq, type SQL, sql } from "drizzle-orm";
import { webhooks } from "../../../schema/tables/notifications.ts";
import { confirmedAddresses, providers } from "../../../schema/tables/providers.ts";
import type { Clock } from "../../kit/clock.ts";
import { isEspalierError } from "../../kit/errors.ts";
import { copyOut, type DiscardedRow, type Store, type Tx } from "../../store/store.ts";
import type { Outbound } from "./outbound.ts";

const addressOf = (projectId: string, host: string, port: number): SQL =>
  and(
    eq(confirmedAddresses.projectId, projectId),
    eq(confirmedAddresses.host, host),
    eq(confirmedAddresses.port, port),
  ) ?? sql`0`;

/** Says of a host and port whether an admin of the project confirmed it; what `Outbound` asks before a call. */
export const isConfirmed =
  ({ db }: Store, projectId: string) =>
  async (host: string, port: number): Promise<boolean> =>
    (await db.query.confirmedAddresses.findFirst({ where: addressOf(projectId, host, port) })) !== undefined;

export type Confirming = {
  projectId: string;
  /** Who asks, by name, for the record. */
  by: string;
  /** Confirms the address's host and port, should they be private. */
  allowPrivate?: boolean | null | undefined;
};

/**
 * Refuses an address that may not be called; a private one is noted as confirmed when the caller says so.
 * @throws EspalierError ADDRESS_FORBIDDEN, ADDRESS_PRIVATE, URL_INVALID
 */
export async function checkAddress(
  deps: { store: Store; clock: Clock; check: Outbound["check"] },
  url: string,
  { projectId, by, allowPrivate }: Confirming,
): Promise<void> {
  const { store, clock, check } = deps;
  let confirmed: { host: string; port: number } | undefined;
  await check(url, {
    isConfirmed: async (host, port) => {
      if (await isConfirmed(store, projectId)(host, port)) return true;
      if (allowPrivate) confirmed = { host, port };
      return allowPrivate === true;
    },
  }).catch((error: unknown) => {
    // What does not answer now may do so later; whether it may be called is asked again at every call.
    if (!isEspalierError(error) || error.code !== "PROVIDER_UNREACHABLE") throw error;
  });
  const found = confirmed;
  if (!found) return;
  await store.write(
    (tx) =>
      tx
        .insert(confirmedAddresses)
        .values({ projectId, ...found, confirmedBy: by, confirmedAt: clock() })
        .onConflictDoNothing(),
    "address.confirm",
  );
}

/** The confirmation of an address, if there is one, as the trash keeps it beside what leads there. */
export function confirmationOf(
  tx: Tx,
  { projectId, url }: { projectId: string; url: string },
): Promise<DiscardedRow[]> {
  const { host, port } = placeOf(url);
  return copyOut(tx, confirmedAddresses, addressOf(projectId, host, port));
}

/** A confirmation that nothing of the project needs any more goes with the last that did. */
export async function forgetAddress(
  tx: Tx,
  { projectId, url }: { projectId: string; url: string },
): Promise<void> {
  const { host, port } = placeOf(url);
  const rest = [
    ...(await tx.query.providers.findMany({ where: eq(providers.projectId, projectId) })),
    ...(await tx.select().from(webhooks).where(eq(webhooks.projectId, projectId))),
  ];
  if (rest.some((one) => placeOf(one.url).host === host && placeOf(one.url).port === port)) return;
  await tx.delete(confirmedAddresses).where(addressOf(projectId, host, port));
}

function placeOf(url: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (protocol === "https:" ? 443 : 80)) };
}
