// Projects: everything belongs to one and nobody sees across; made, renamed, archived, restored, switched between.
import { and, asc, count, eq, isNull } from "drizzle-orm";
import { memberships, projects, sessions } from "../../schema/tables/accounts.ts";
import { runs } from "../../schema/tables/runs.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Store, Tx } from "../store/store.ts";
import { membershipRow } from "./people.ts";
import type { Principal, Principals } from "./principals.ts";
import { isRole, type Role } from "./roles.ts";

export type ProjectRow = typeof projects.$inferSelect;
/** A project as somebody in it sees it. */
export type OwnProject = ProjectRow & { role: Role | null };

export type Projects = ReturnType<typeof createProjects>;

export function createProjects(deps: { store: Store; clock: Clock; principals: Principals }) {
  const { store, clock, principals } = deps;

  /** The projects that the caller is in, archived ones too; a key is in one. */
  async function projectsOf(by: Principal): Promise<OwnProject[]> {
    if (by.userId === null) {
      const [row] = await store.db.select().from(projects).where(eq(projects.id, by.projectId));
      return row ? [{ ...row, role: by.role }] : [];
    }
    const rows = await store.db
      .select({ project: projects, role: memberships.role })
      .from(memberships)
      .innerJoin(projects, eq(projects.id, memberships.projectId))
      .where(eq(memberships.userId, by.userId))
      .orderBy(asc(memberships.createdAt), asc(memberships.id));
    return rows.map(({ project, role }) => ({ ...project, role: isRole(role) ? role : null }));
  }

  async function ownProject(by: Principal, id: string): Promise<OwnProject> {
    const found = (await projectsOf(by)).find((project) => project.id === id);
    if (found) return found;
    throw new EspalierError("PROJECT_NOT_FOUND", `there is no project ${id.slice(0, 100)} that you are in`, {
      hint: "Ask one of its admins for an invitation.",
      field: "id",
      value: id.slice(0, 100),
      status: 404,
    });
  }

  /** A name that none of the caller's projects has. @throws PROJECT_NAME_INVALID, PROJECT_NAME_TAKEN */
  async function freeName(by: Principal, name: string, butId?: string): Promise<string> {
    const trimmed = name.trim();
    if (trimmed === "" || trimmed.length > limits.projectNameChars)
      throw new EspalierError(
        "PROJECT_NAME_INVALID",
        `a project needs a name of 1 to ${limits.projectNameChars} characters`,
        {
          hint: "Name it after what the people in it work on.",
          field: "name",
          value: trimmed.slice(0, 100),
        },
      );
    const same = (one: OwnProject) => one.id !== butId && one.name.toLowerCase() === trimmed.toLowerCase();
    if ((await projectsOf(by)).some(same))
      throw new EspalierError("PROJECT_NAME_TAKEN", `you are in a project named "${trimmed}" already`, {
        hint: "Choose another name; archived projects keep theirs.",
        field: "name",
        value: trimmed,
        status: 409,
      });
    return trimmed;
  }

  function change(id: string, by: Principal, set: Partial<ProjectRow>): Promise<OwnProject> {
    return store.write(async (tx) => {
      await tx.update(projects).set(set).where(eq(projects.id, id));
      principals.changed();
      const [row] = await tx.select().from(projects).where(eq(projects.id, id));
      if (!row) throw new Error("the project is gone");
      // Whoever stood in it stands elsewhere from now on, also once it is restored.
      if (row.archivedAt !== null)
        await tx.update(sessions).set({ projectId: null }).where(eq(sessions.projectId, id));
      return { ...row, role: by.role };
    });
  }

  return {
    projectsOf,

    /** The first project; made at the first call. People and keys made at the command line get into it. */
    firstProject: (): Promise<ProjectRow> => store.write((tx) => firstProject(tx, clock())),

    /** A project of the caller's. */
    async findProject(by: Principal, id: string): Promise<OwnProject | null> {
      return (await projectsOf(by)).find((project) => project.id === id) ?? null;
    },

    /** Makes a project; the caller is its first owner. @throws PROJECT_NEEDS_PERSON, PROJECT_NAME_… */
    async createProject(by: Principal, name: string): Promise<OwnProject> {
      const { userId } = by;
      if (userId === null)
        throw new EspalierError("PROJECT_NEEDS_PERSON", "a key cannot own a project", {
          hint: "Sign in as a person and make it in the browser.",
          status: 403,
        });
      const checked = await freeName(by, name);
      const row: ProjectRow = {
        id: newId("project"),
        name: checked,
        createdAt: clock(),
        createdBy: userId,
        archivedAt: null,
        archivedBy: null,
      };
      return store.write(async (tx) => {
        const [known] = await tx.select({ count: count() }).from(projects);
        if ((known?.count ?? 0) >= limits.projects)
          throw new EspalierError(
            "PROJECTS_TOO_MANY",
            `there are ${known?.count} projects, ${limits.projects} are allowed`,
            { hint: "Go on in one of those that there are.", status: 409 },
          );
        await tx.insert(projects).values(row);
        await tx.insert(memberships).values(membershipRow(row.id, userId, "owner", userId, clock()));
        return { ...row, role: "owner" };
      });
    },

    /** Renames the caller's current project. @throws PROJECT_NAME_INVALID, PROJECT_NAME_TAKEN */
    async renameProject(by: Principal, name: string): Promise<OwnProject> {
      return change(by.projectId, by, { name: await freeName(by, name, by.projectId) });
    },

    /**
     * Archives the caller's current project: everything stays, and nobody gets in until it is restored.
     * @throws PROJECT_NEEDS_PERSON, PROJECT_LAST where the caller has no other, PROJECT_BUSY while runs have not ended
     */
    async archiveProject(by: Principal): Promise<OwnProject> {
      if (by.userId === null)
        throw new EspalierError("PROJECT_NEEDS_PERSON", "a key cannot archive the project that it opens", {
          hint: "Sign in as a person and archive it in the browser.",
          status: 403,
        });
      const others = (await projectsOf(by)).filter(
        ({ id, archivedAt }) => id !== by.projectId && archivedAt === null,
      );
      if (others.length === 0)
        throw new EspalierError("PROJECT_LAST", "this is the only project that you are in", {
          hint: "Make another one first, or you would lock yourself out.",
          status: 409,
        });
      const open = await store.db.query.runs.findFirst({
        where: and(eq(runs.projectId, by.projectId), isNull(runs.endedAt)),
      });
      if (open)
        throw new EspalierError("PROJECT_BUSY", `${open.name} has not ended in this project`, {
          hint: "Wait for it, or cancel it.",
          value: open.id,
          status: 409,
        });
      return change(by.projectId, by, { archivedAt: clock(), archivedBy: by.userId });
    },

    /** Opens an archived project again. @throws PROJECT_NOT_FOUND, PROJECT_NOT_YOURS, PROJECT_NOT_ARCHIVED */
    async restoreProject(by: Principal, id: string): Promise<OwnProject> {
      const project = await ownProject(by, id);
      if (project.role !== "owner")
        throw new EspalierError("PROJECT_NOT_YOURS", `you are ${project.role} in "${project.name}"`, {
          hint: "Ask one of its owners to restore it.",
          field: "id",
          value: id,
          status: 403,
        });
      if (project.archivedAt === null)
        throw new EspalierError("PROJECT_NOT_ARCHIVED", `"${project.name}" is not archived`, {
          hint: "Switch to it.",
          field: "id",
          value: id,
          status: 409,
        });
      await change(id, by, { archivedAt: null, archivedBy: null });
      return { ...project, archivedAt: null, archivedBy: null };
    },

    /** Makes another project the one that this session works in. @throws PROJECT_NOT_FOUND, PROJECT_ARCHIVED, KEY_IS_BOUND */
    async switchProject(by: Principal, id: string): Promise<OwnProject> {
      const { sessionId } = by;
      if (sessionId === null)
        throw new EspalierError("KEY_IS_BOUND", "a key belongs to one project", {
          hint: "Make a key in the other project.",
          field: "id",
          value: id.slice(0, 100),
          status: 409,
        });
      const project = await ownProject(by, id);
      if (project.archivedAt !== null)
        throw new EspalierError("PROJECT_ARCHIVED", `"${project.name}" is archived`, {
          hint: "One of its owners can restore it.",
          field: "id",
          value: id,
          status: 409,
        });
      await store.write(async (tx) => {
        await tx.update(sessions).set({ projectId: id }).where(eq(sessions.id, sessionId));
      });
      principals.changed();
      return project;
    },
  };
}

/** The project that is there from the first start on, made where there is none. */
export async function firstProject(tx: Tx, at: number): Promise<ProjectRow> {
  const [found] = await tx
    .select()
    .from(projects)
    .orderBy(asc(projects.createdAt), asc(projects.id))
    .limit(1);
  if (found) return found;
  const row: ProjectRow = {
    id: newId("project"),
    name: "Espalier",
    createdAt: at,
    createdBy: null,
    archivedAt: null,
    archivedBy: null,
  };
  await tx.insert(projects).values(row);
  return row;
}
