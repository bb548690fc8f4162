// API keys: made for one project with some of its maker's rights, listed, and revoked.
import { and, eq, isNull } from "drizzle-orm";
import { apiKeys } from "../../schema/tables/accounts.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { newId, newSecret } from "../kit/ids.ts";
import { type Page, type PageRequest, readPage, type Store } from "../store/store.ts";
import { KEY_START, type Principal, type Principals } from "./principals.ts";
import { allScopes, isScope, opens, type Scope } from "./scopes.ts";

export type ApiKeyRow = typeof apiKeys.$inferSelect;
type NewKey = { name: string; scopes: readonly string[] };

export function createKeys(deps: { store: Store; clock: Clock; principals: Principals }) {
  const { store, clock, principals } = deps;
  return {
    /**
     * Makes a key of the caller's project; the secret is shown this once.
     * @throws KEY_NAME_EMPTY, SCOPE_UNKNOWN, SCOPE_BEYOND_YOURS
     */
    async createKey(by: Principal, input: NewKey): Promise<{ key: ApiKeyRow; secret: string }> {
      const beyond = input.scopes.filter(isScope).find((scope) => !opens(by.scopes, scope));
      if (beyond !== undefined)
        throw new EspalierError("SCOPE_BEYOND_YOURS", `you may not "${beyond}", so no key of yours may`, {
          hint: `Choose among ${[...by.scopes].join(", ")}, or ask an owner to make it.`,
          field: "scopes",
          value: beyond,
          status: 403,
        });
      return store.write(async (tx) => {
        // What a key makes is bound to the same person as the key itself.
        const [maker] =
          by.keyId === null
            ? [{ userId: by.userId }]
            : await tx.select({ userId: apiKeys.userId }).from(apiKeys).where(eq(apiKeys.id, by.keyId));
        const made = newKeyRow({ ...input, projectId: by.projectId, userId: maker?.userId ?? null }, clock());
        await tx.insert(apiKeys).values(made.key);
        return made;
      });
    },

    /** Keys of the project, newest first, revoked ones too. */
    pageOfKeys: (projectId: string, page: PageRequest): Promise<Page<ApiKeyRow>> =>
      readPage(
        store.db,
        apiKeys,
        { where: eq(apiKeys.projectId, projectId), keys: ["id"], order: "descending" },
        page,
      ),

    async findKey(id: string): Promise<ApiKeyRow | null> {
      return (await store.db.query.apiKeys.findFirst({ where: eq(apiKeys.id, id) })) ?? null;
    },

    /** @throws KEY_NOT_FOUND. Revoking again changes nothing. */
    async revokeKey(by: Principal, idOrName: string): Promise<ApiKeyRow> {
      const revoked = await store.write(async (tx) => {
        const rows = await tx.select().from(apiKeys).where(eq(apiKeys.projectId, by.projectId));
        const row =
          rows.find((key) => key.id === idOrName) ??
          rows.find((key) => key.name === idOrName && key.revokedAt === null);
        if (!row)
          throw new EspalierError("KEY_NOT_FOUND", `there is no API key "${idOrName}"`, {
            hint: "List the keys to see their names.",
            value: idOrName,
            status: 404,
          });
        const [changed] = await tx
          .update(apiKeys)
          .set({ revokedAt: clock(), revokedBy: by.userId ?? by.keyId })
          .where(and(eq(apiKeys.id, row.id), isNull(apiKeys.revokedAt)))
          .returning();
        return changed ?? row;
      });
      principals.changed();
      return revoked;
    },
  };
}

/**
 * The row and the secret of a new key, for whoever writes it: the server, or `key create --data` beside it.
 * @throws EspalierError KEY_NAME_EMPTY, SCOPE_UNKNOWN.
 */
export function newKeyRow(
  input: NewKey & { projectId: string; userId: string | null },
  at: number,
): { key: ApiKeyRow; secret: string } {
  const name = input.name.trim();
  if (name === "" || name.length > 100)
    throw new EspalierError("KEY_NAME_EMPTY", "an API key needs a name of 1 to 100 characters", {
      hint: "Name it after what will use it.",
      field: "name",
      value: name.slice(0, 100),
    });
  const unknown = input.scopes.find((scope) => !isScope(scope));
  if (input.scopes.length === 0 || unknown !== undefined)
    throw new EspalierError(
      "SCOPE_UNKNOWN",
      unknown === undefined
        ? "an API key needs at least one scope"
        : `there is no scope "${unknown.slice(0, 100)}"`,
      {
        hint: `Choose among ${allScopes.join(", ")}.`,
        field: "scopes",
        ...(unknown === undefined ? {} : { value: unknown.slice(0, 100) }),
      },
    );
  const secret = `${KEY_START}${newSecret()}`;
  const key: ApiKeyRow = {
    id: newId("apiKey", at),
    projectId: input.projectId,
    name,
    secretHash: sha256(secret),
    prefix: secret.slice(0, 8),
    scopes: [...new Set<Scope>(input.scopes.filter(isScope))],
    createdAt: at,
    userId: input.userId,
    lastUsedAt: null,
    revokedAt: null,
    revokedBy: null,
  };
  return { key, secret };
}
