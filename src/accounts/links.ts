// One-time links: an invitation into a project with a role, and a way to a new password; each shown once and gone by time.
import { and, eq, gt, isNull } from "drizzle-orm";
import { memberships, oneTimeLinks, projects, sessions, users } from "../../schema/tables/accounts.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { newId, newSecret } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Notifications } from "../notifications/notifications.ts";
import { type Page, type PageRequest, readPage, type Store, type Tx } from "../store/store.ts";
import { checkUserName, hashOf } from "./passwords.ts";
import { grantable, membershipRow, type People, type UserRow } from "./people.ts";
import type { Principal, Principals } from "./principals.ts";
import { isRole, type Role, rankOf } from "./roles.ts";
import type { Session, Sessions } from "./sessions.ts";

export type LinkRow = typeof oneTimeLinks.$inferSelect;
/** What a link is for, told to whoever holds it before they take it. */
export type LinkOffer =
  | { kind: "invitation"; project: string; role: Role; expiresAt: number }
  | { kind: "reset"; name: string; expiresAt: number };

type Deps = {
  store: Store;
  clock: Clock;
  principals: Principals;
  people: People;
  sessions: Sessions;
  notifications?: Notifications | undefined;
};

export function createLinks({ store, clock, principals, people, sessions: doors, notifications }: Deps) {
  const isOpen = () =>
    and(isNull(oneTimeLinks.usedAt), isNull(oneTimeLinks.revokedAt), gt(oneTimeLinks.expiresAt, clock()));

  /** The open link of a token. @throws LINK_NOT_VALID (404) */
  async function opened(db: Pick<Tx, "select">, token: string, kind?: string): Promise<LinkRow> {
    const [row] = await db
      .select()
      .from(oneTimeLinks)
      .where(and(eq(oneTimeLinks.tokenHash, sha256(token)), isOpen()));
    if (row && (kind === undefined || row.kind === kind) && (await isBacked(row))) return row;
    throw new EspalierError("LINK_NOT_VALID", "this link has been used, withdrawn, or is past its time", {
      hint: "Ask whoever sent it for another one.",
      field: "token",
      status: 404,
    });
  }

  /** Whether whoever made an invitation could still make it: it must not outlive their right to. */
  async function isBacked({ kind, createdBy, projectId, role }: LinkRow): Promise<boolean> {
    const [project] = await store.db
      .select({ id: projects.id })
      .from(projects)
      .where(and(eq(projects.id, projectId), isNull(projects.archivedAt)));
    if (kind === "invitation" && !project) return false;
    const [maker] =
      createdBy === null
        ? []
        : await store.db.select({ id: users.id }).from(users).where(eq(users.id, createdBy));
    if (!maker || kind !== "invitation") return true;
    const now = (await principals.rolesOf(maker.id)).find((one) => one.projectId === projectId)?.role ?? null;
    return rankOf(now) >= Math.max(rankOf("admin"), rankOf(role !== null && isRole(role) ? role : "owner"));
  }

  async function make(
    tx: Tx,
    by: Principal,
    about: Pick<LinkRow, "kind" | "role" | "userId" | "note">,
    lifeMs: number,
  ): Promise<{ link: LinkRow; token: string }> {
    const token = newSecret(24);
    const at = clock();
    const link: LinkRow = {
      id: newId("oneTimeLink", at),
      ...about,
      tokenHash: sha256(token),
      projectId: by.projectId,
      createdAt: at,
      createdBy: by.userId ?? by.keyId,
      expiresAt: at + lifeMs,
      usedAt: null,
      revokedAt: null,
      revokedBy: null,
    };
    await tx.insert(oneTimeLinks).values(link);
    return { link, token };
  }

  async function use(tx: Tx, link: LinkRow, userId: string): Promise<void> {
    await tx.update(oneTimeLinks).set({ usedAt: clock(), userId }).where(eq(oneTimeLinks.id, link.id));
  }

  /** Puts somebody into the project of an invitation and lets their session work there. */
  async function join(tx: Tx, link: LinkRow, userId: string): Promise<void> {
    const [already] = await tx
      .select()
      .from(memberships)
      .where(and(eq(memberships.projectId, link.projectId), eq(memberships.userId, userId)));
    if (already)
      throw new EspalierError("ALREADY_IN_PROJECT", `you are ${already.role} in this project already`, {
        hint: "Switch to it; an admin changes roles on the page People.",
        status: 409,
      });
    const role = link.role !== null && isRole(link.role) ? link.role : "viewer";
    await tx.insert(memberships).values(membershipRow(link.projectId, userId, role, link.createdBy, clock()));
    await use(tx, link, userId);
    const { name } = await people.userOf(tx, userId);
    await notifications?.tellAdmins(
      tx,
      {
        projectId: link.projectId,
        kind: "member-joined",
        event: `${link.id} taken`,
        about: { name, role, next: { verb: "open", name: "", path: "/people" } },
      },
      userId,
    );
  }

  return {
    /**
     * Makes a link by which somebody gets into the caller's project; its token is shown this once.
     * @throws ROLE_UNKNOWN, ROLE_BEYOND_YOURS, NOTE_TOO_LONG, INVITATIONS_TOO_MANY
     */
    async invitePerson(by: Principal, input: { role: string; note: string }) {
      const role = grantable(by, input.role);
      const note = input.note.trim();
      if (note.length > limits.invitationNoteChars)
        throw new EspalierError(
          "NOTE_TOO_LONG",
          `the note has ${note.length} characters, ${limits.invitationNoteChars} are allowed`,
          { hint: "A name or an address is enough.", field: "note" },
        );
      return store.write(async (tx) => {
        const open = await tx.$count(
          oneTimeLinks,
          and(eq(oneTimeLinks.projectId, by.projectId), eq(oneTimeLinks.kind, "invitation"), isOpen()),
        );
        if (open >= limits.openInvitations)
          throw new EspalierError(
            "INVITATIONS_TOO_MANY",
            `${open} invitations are open, ${limits.openInvitations} are allowed`,
            { hint: "Withdraw some of them.", status: 409 },
          );
        return make(tx, by, { kind: "invitation", role, userId: null, note }, limits.invitationMs);
      });
    },

    /**
     * Makes a link by which a person of the project sets a new password; shown this once. Older ones end.
     * @throws PERSON_NOT_FOUND, PERSON_BEYOND_YOU
     */
    async resetPassword(by: Principal, personId: string): Promise<{ link: LinkRow; token: string }> {
      return store.write(async (tx) => {
        const row = await people.member(tx, by, personId);
        await people.refuseLesser(tx, by, row.userId);
        await tx
          .update(oneTimeLinks)
          .set({ revokedAt: clock(), revokedBy: by.userId ?? by.keyId })
          .where(and(eq(oneTimeLinks.userId, row.userId), eq(oneTimeLinks.kind, "reset"), isOpen()));
        return make(tx, by, { kind: "reset", role: null, userId: row.userId, note: "" }, limits.resetMs);
      });
    },

    /** Open invitations of a project, newest first. */
    pageOfInvitations: (projectId: string, page: PageRequest): Promise<Page<LinkRow>> =>
      readPage(
        store.db,
        oneTimeLinks,
        {
          where: and(eq(oneTimeLinks.projectId, projectId), eq(oneTimeLinks.kind, "invitation"), isOpen()),
          keys: ["id"],
          order: "descending",
        },
        page,
      ),
    findLink: async (id: string): Promise<LinkRow | null> =>
      (await store.db.query.oneTimeLinks.findFirst({ where: eq(oneTimeLinks.id, id) })) ?? null,

    /** Makes an open invitation void. @throws INVITATION_NOT_FOUND */
    async revokeInvitation(by: Principal, id: string): Promise<LinkRow> {
      return store.write(async (tx) => {
        const [row] = await tx
          .update(oneTimeLinks)
          .set({ revokedAt: clock(), revokedBy: by.userId ?? by.keyId })
          .where(and(eq(oneTimeLinks.id, id), eq(oneTimeLinks.projectId, by.projectId), isOpen()))
          .returning();
        if (row) return row;
        throw new EspalierError("INVITATION_NOT_FOUND", `there is no open invitation ${id.slice(0, 100)}`, {
          hint: "It may have been used, or is past its time.",
          field: "id",
          value: id.slice(0, 100),
          status: 404,
        });
      });
    },

    /** What a link is for. @throws LINK_NOT_VALID */
    async offerOf(token: string): Promise<LinkOffer> {
      const link = await opened(store.db, token);
      const { expiresAt } = link;
      if (link.kind === "reset")
        return { kind: "reset", name: (await people.getUser(link.userId ?? "")).name, expiresAt };
      const [project] = await store.db.select().from(projects).where(eq(projects.id, link.projectId));
      const role = link.role !== null && isRole(link.role) ? link.role : "viewer";
      return { kind: "invitation", project: project?.name ?? "", role, expiresAt };
    },

    /** Takes an invitation as somebody new, and signs them in. @throws LINK_NOT_VALID, USER_NAME_TAKEN, PASSWORD_… */
    async acceptAsNew(input: {
      token: string;
      name: string;
      password: string;
      userAgent: string;
    }): Promise<Session> {
      await opened(store.db, input.token, "invitation");
      const name = checkUserName(input.name);
      const passwordHash = await hashOf(input.password);
      const userId = newId("user");
      const projectId = await store.write(async (tx) => {
        const link = await opened(tx, input.token, "invitation");
        const [known] = await tx.select({ id: users.id }).from(users).where(eq(users.name, name));
        if (known) throw nameTaken(name, "If that is you, sign in and open the link again.");
        await tx.insert(users).values(userRow(userId, name, passwordHash, clock(), link.createdBy));
        await join(tx, link, userId);
        return link.projectId;
      });
      return doors.openSession(userId, input.userAgent, projectId);
    },

    /** Takes an invitation as whoever is signed in; their session works in the new project from then on. @throws LINK_NOT_VALID, ALREADY_IN_PROJECT */
    async acceptAsMyself(by: Principal, token: string): Promise<void> {
      const { userId, sessionId } = by;
      if (userId === null || sessionId === null)
        throw new EspalierError("LINK_NEEDS_PERSON", "a key cannot take an invitation", { status: 403 });
      await store.write(async (tx) => {
        const link = await opened(tx, token, "invitation");
        await join(tx, link, userId);
        await tx.update(sessions).set({ projectId: link.projectId }).where(eq(sessions.id, sessionId));
      });
      principals.changed();
    },

    /** Sets the password of a reset link's person, ends all their sessions, and signs them in. @throws LINK_NOT_VALID, PASSWORD_… */
    async acceptReset(input: { token: string; password: string; userAgent: string }): Promise<Session> {
      await opened(store.db, input.token, "reset");
      const passwordHash = await hashOf(input.password);
      const userId = await store.write(async (tx) => {
        const link = await opened(tx, input.token, "reset");
        const id = link.userId ?? "";
        await tx.update(users).set({ passwordHash }).where(eq(users.id, id));
        await tx.delete(sessions).where(eq(sessions.userId, id));
        await use(tx, link, id);
        return id;
      });
      principals.changed();
      return doors.openSession(userId, input.userAgent);
    },
  };
}

/** A new person's row. */
export function userRow(
  id: string,
  name: string,
  passwordHash: string,
  createdAt: number,
  createdBy: string | null,
): UserRow {
  return { id, name, passwordHash, createdAt, createdBy, disabledAt: null, disabledBy: null };
}

export function nameTaken(name: string, hint: string): EspalierError {
  return new EspalierError("USER_NAME_TAKEN", `there is already a person named "${name}"`, {
    hint,
    field: "name",
    value: name,
    status: 409,
  });
}
