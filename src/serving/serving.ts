// Front door of serving: models deployed to the embedded engine, their health and figures, and their aliases.
import { and, eq, inArray, isNull } from "drizzle-orm";
import { z } from "zod";
import { aliases, deployments } from "../../schema/tables/models.ts";
import type { EnginePool, Precision } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import type { Log } from "../kit/log.ts";
import { checkName } from "../kit/names.ts";
import {
  type AliasRow,
  type DeploymentRow,
  enginePrecision,
  generatedName,
  type Models,
  nameEndings,
  releaseNames,
  takeName,
} from "../models/models.ts";
import { isEnded, type RunRow, type Runs } from "../runs/runs.ts";
import type { Store, Tx } from "../store/store.ts";
import { startHandler } from "./starting.ts";

export type ServingDeps = {
  store: Store;
  runs: Runs;
  models: Models;
  engine: EnginePool;
  clock: Clock;
  log: Log;
  /** Refuses a model that has not passed what it must pass; nothing to pass when unsaid. */
  checkGate?: (wish: Admitting) => Promise<Admission>;
};

/** Why somebody lets a model through that has not passed, and who. */
export type Override = {
  reason: string;
  by: { userId: string | null; keyId: string | null; createdBy: string };
};
/** What is about to go live: a base, customized or complete model by its id, or a live one that gets an alias. */
export type Admitting = {
  projectId: string;
  modelId: string;
  action: "deploy" | "register";
  alias: string | null;
  override: Override | null;
};
/** Belongs into the transaction in which the model goes live. */
export type Admission = (tx: Tx, live: DeploymentRow) => Promise<void>;

export type DeployInput = {
  projectId: string;
  modelId: string;
  name?: string | undefined;
  precision: Precision;
  override?: Override | null;
};

export type RegisterInput = { projectId: string; liveId: string; alias: string; override?: Override | null };

/** What a live model does now, beside its row. */
export type LiveState = {
  /** starting | ready (loaded) | asleep (loads at the next request) | stopped | failed */
  health: string;
  tokensPerSecond: number | null;
  /** Resident bytes of the engine that has it loaded. */
  memoryBytes: number | null;
  requests: number;
};

/** How often request counts go to the disk. */
const FLUSH_MS = 5_000;

export type Serving = ReturnType<typeof createServing>;

/** Builds the front door and registers deployment with the runs. */
export function createServing(deps: ServingDeps) {
  const { store, runs, models, engine, clock, log } = deps;
  const figures = new Map<string, { tokensPerSecond: number | null; unsaved: number }>();
  let flushing: ReturnType<typeof setTimeout> | undefined;

  const noteSpeed = (id: string, speed: number): void => {
    figuresOf(id).tokensPerSecond = speed;
  };
  runs.registerHandler("deploy", startHandler({ models, engine, noteSpeed }));
  runs.registerHooks("deploy", {
    // However the run ends badly, the deployment must not stay "starting".
    ended: async (tx, run) => {
      if (run.status === "succeeded" || !run.subjectId) return;
      const error = run.error ?? { code: "CANCELLED", message: "The deployment was cancelled." };
      await tx
        .update(deployments)
        .set({ status: "failed", error })
        .where(and(eq(deployments.id, run.subjectId), eq(deployments.status, "starting")));
    },
    retried: async (tx, _old, fresh) => {
      if (!fresh.subjectId) return;
      const [live] = await tx
        .update(deployments)
        .set({ status: "starting", error: null })
        .where(and(eq(deployments.id, fresh.subjectId), isNull(deployments.retiredAt)))
        .returning();
      if (!live) throw liveNotFound(fresh.subjectId);
    },
  });

  function figuresOf(id: string) {
    const known = figures.get(id) ?? { tokensPerSecond: null, unsaved: 0 };
    figures.set(id, known);
    return known;
  }

  async function getLive(id: string): Promise<DeploymentRow> {
    const row = await models.findDeployment(id);
    if (row && row.retiredAt === null) return row;
    throw liveNotFound(id);
  }

  async function setStatus(id: string, from: readonly string[], to: string): Promise<DeploymentRow> {
    const row = await getLive(id);
    if (row.status === to) return row;
    return store.write(async (tx) => {
      const [moved] = await tx
        .update(deployments)
        .set({ status: to })
        .where(and(eq(deployments.id, id), inArray(deployments.status, [...from])))
        .returning();
      if (moved) return moved;
      throw new EspalierError("LIVE_NOT_READY", `${row.name} is ${row.status} and cannot become ${to}.`, {
        field: "id",
        value: row.status,
        hint: "Deploy the model again when its start failed.",
        status: 409,
      });
    }, "live.status");
  }

  /** Frees a deployment's engine, unless another live one shares it or it is answering; idle ones go by themselves. */
  async function unload(row: DeploymentRow): Promise<void> {
    const card = await models.cardOf(row.modelId);
    const source = await models.sourceOf(row.modelId);
    const precision = enginePrecision(card.format, asPrecision(row.precision));
    for (const other of await models.listDeployments(row.projectId)) {
      if (other.id === row.id || other.status !== "live" || other.precision !== row.precision) continue;
      if ((await models.sourceOf(other.modelId)).hash === source.hash) return;
    }
    const isAnswering = engine
      .list()
      .some((one) => one.hash === source.hash && one.precision === precision && one.activeRequests > 0);
    if (!isAnswering) await engine.unload(source, precision);
  }

  async function flush(): Promise<void> {
    flushing = undefined;
    const changed = [...figures].filter(([, one]) => one.unsaved > 0);
    if (changed.length === 0) return;
    await store.write(async (tx) => {
      for (const [id, one] of changed) {
        const row = await tx.query.deployments.findFirst({ where: eq(deployments.id, id) });
        if (!row) continue;
        await tx
          .update(deployments)
          .set({ requests: row.requests + one.unsaved })
          .where(eq(deployments.id, id));
      }
    }, "live.figures");
    for (const [, one] of changed) one.unsaved = 0;
  }

  return {
    getLive,

    /**
     * Makes a live model, which starts in a run with a smoke prompt.
     * @throws EspalierError MODEL_NOT_FOUND, NAME_TAKEN, NAME_INVALID, GATE_HOLDS unless it is overridden
     */
    async deployModel(input: DeployInput): Promise<{ live: DeploymentRow; run: RunRow }> {
      const model = await models.resolve(input.projectId, input.modelId);
      const card = await models.cardOf(model.modelId);
      const precision = enginePrecision(card.format, input.precision);
      const asked = input.name ? checkName(input.name) : null;
      const { projectId, override = null } = input;
      const wish = { projectId, modelId: model.modelId, action: "deploy", alias: null, override } as const;
      const admit = await deps.checkGate?.(wish);
      const id = newId("deployment");
      return store.write(async (tx) => {
        const name = asked ?? (await generatedName(tx, projectId, model.name, nameEndings.deploy(precision)));
        await takeName(tx, { projectId, name, modelId: id, kind: "live" });
        const [live] = await tx
          .insert(deployments)
          .values({
            id,
            projectId,
            name,
            modelId: model.modelId,
            precision,
            status: "starting",
            createdAt: clock(),
          })
          .returning();
        if (!live) throw new Error("insert returned no row");
        await admit?.(tx, live);
        const run = await runs.createRun(tx, {
          projectId,
          kind: "deploy",
          executor: "server",
          name: `Deploy ${name}`,
          subjectId: id,
          spec: { deploymentId: id, modelId: model.modelId, precision },
        });
        return { live, run };
      }, "live.deploy");
    },

    /** Takes a live model out of service; its memory is freed. */
    async stop(id: string): Promise<DeploymentRow> {
      const row = await setStatus(id, ["live"], "stopped");
      await unload(row);
      return row;
    },
    /** Puts a stopped live model back into service; it loads at the next request. */
    start: (id: string): Promise<DeploymentRow> => setStatus(id, ["stopped"], "live"),

    /** Ends a live model for good. @throws EspalierError HAS_DEPENDANTS while an alias names it, IN_USE while it starts */
    async retire(id: string): Promise<{ id: string; name: string }> {
      const row = await getLive(id);
      await store.write(async (tx) => {
        const named = await tx.query.aliases.findFirst({ where: eq(aliases.deploymentId, id) });
        if (named)
          throw new EspalierError("HAS_DEPENDANTS", `${row.name} is registered as ${named.alias}.`, {
            field: "id",
            value: named.alias,
            hint: "Unregister the alias first.",
            status: 409,
          });
        const starting = (await runs.unfinished(tx)).find((run) => run.subjectId === id);
        if (starting)
          throw new EspalierError(
            "IN_USE",
            `${row.name} is in use: "${starting.name}" is ${starting.status}.`,
            {
              field: "id",
              value: starting.id,
              hint: `Wait for it, or cancel it: espalier run cancel ${starting.id}`,
              status: 409,
            },
          );
        await releaseNames(tx, id);
        await tx
          .update(deployments)
          .set({ retiredAt: clock(), status: "stopped" })
          .where(eq(deployments.id, id));
      }, "live.retire");
      await this.release(row);
      return { id, name: row.name };
    },

    /** Frees the memory of a live model that was deleted. */
    async release(row: DeploymentRow): Promise<void> {
      await unload(row).catch((error: unknown) =>
        log.warn("a deleted model's engine stays", { id: row.id, error }),
      );
      figures.delete(row.id);
    },

    /**
     * Gives a live model a stable name.
     * @throws EspalierError ALIAS_TAKEN, NAME_INVALID, LIVE_NOT_READY, GATE_HOLDS unless it is overridden
     */
    async registerModel(input: RegisterInput): Promise<AliasRow> {
      const { projectId, liveId, override = null } = input;
      const alias = checkName(input.alias, "alias");
      const wish = { projectId, modelId: liveId, action: "register", alias, override } as const;
      const admit = await deps.checkGate?.(wish);
      return store.write(async (tx) => {
        // Read here: it may be retired while somebody registers it.
        const live = await tx.query.deployments.findFirst({ where: eq(deployments.id, liveId) });
        if (!live || live.retiredAt !== null) throw liveNotFound(liveId);
        if (live.status === "failed" || live.status === "starting")
          throw new EspalierError("LIVE_NOT_READY", `${live.name} is ${live.status}.`, {
            field: "liveId",
            value: live.status,
            hint: "Register it once it is live.",
            status: 409,
          });
        const row = { id: newId("alias"), projectId, alias, deploymentId: live.id, createdAt: clock() };
        const entry = { projectId, name: alias, modelId: row.id, kind: "registered" } as const;
        await takeName(tx, entry, "alias").catch((error: unknown) => {
          if (!(error instanceof EspalierError)) throw error;
          throw new EspalierError("ALIAS_TAKEN", `"${alias}" is already the name of a model.`, {
            field: "alias",
            value: alias,
            hint: "Choose another alias, or unregister the one that has it.",
            status: 409,
          });
        });
        await tx.insert(aliases).values(row);
        await admit?.(tx, live);
        return row;
      }, "live.register");
    },

    /** Frees an alias, by its name or id. @throws EspalierError ALIAS_NOT_FOUND */
    async unregister(projectId: string, aliasOrId: string): Promise<{ id: string; name: string }> {
      return store.write(async (tx) => {
        const all = await tx.query.aliases.findMany({ where: eq(aliases.projectId, projectId) });
        const row = all.find((one) => one.alias === aliasOrId || one.id === aliasOrId);
        if (!row)
          throw new EspalierError(
            "ALIAS_NOT_FOUND",
            `There is no registered model "${aliasOrId.slice(0, 120)}".`,
            {
              field: "alias",
              value: aliasOrId.slice(0, 120),
              hint: "List the registered models.",
              status: 404,
            },
          );
        await releaseNames(tx, row.id);
        await tx.delete(aliases).where(eq(aliases.id, row.id));
        return { id: row.id, name: row.alias };
      }, "live.unregister");
    },

    /** Aliases of a live model. */
    aliasesOf: (liveId: string): Promise<AliasRow[]> =>
      store.db.query.aliases.findMany({ where: eq(aliases.deploymentId, liveId) }),

    /** Health and figures of a live model now. */
    async state(row: DeploymentRow): Promise<LiveState> {
      const own = figuresOf(row.id);
      const requests = row.requests + own.unsaved;
      const smoke = z.object({ tokensPerSecond: z.number() }).safeParse(row.smoke);
      const tokensPerSecond = own.tokensPerSecond ?? (smoke.success ? smoke.data.tokensPerSecond : null);
      if (row.status !== "live") return { health: row.status, tokensPerSecond, memoryBytes: null, requests };
      const source = await models.sourceOf(row.modelId);
      const stats = await engine.stats(source, asPrecision(row.precision)).catch(() => null);
      const health = stats?.isLoaded ? "ready" : "asleep";
      return { health, tokensPerSecond, memoryBytes: stats?.rssBytes ?? null, requests };
    },

    /** Notes a reply that a live model gave. */
    noteReply(deploymentId: string, tokensPerSecond: number): void {
      const own = figuresOf(deploymentId);
      own.unsaved++;
      if (tokensPerSecond > 0) own.tokensPerSecond = tokensPerSecond;
      flushing ??= setTimeout(() => {
        flush().catch((error: unknown) => log.warn("request counts were not saved", { error }));
      }, FLUSH_MS);
    },

    /** At start: deployments whose run ended while the server was away must not stay "starting". */
    async recover(): Promise<void> {
      const where = and(eq(deployments.status, "starting"), isNull(deployments.retiredAt));
      for (const row of await store.db.query.deployments.findMany({ where })) {
        const run = await runs.latestOf(row.id);
        if (run && !isEnded(run)) continue;
        await store.write(async (tx) => {
          const error = run?.error ?? { code: "DEPLOY_LOST", message: "Its start was interrupted." };
          await tx.update(deployments).set({ status: "failed", error }).where(eq(deployments.id, row.id));
        }, "live.recover");
      }
    },

    /** Writes what is still only in memory. */
    async close(): Promise<void> {
      clearTimeout(flushing);
      await flush();
    },
  };
}

function liveNotFound(id: string): EspalierError {
  return new EspalierError("LIVE_NOT_FOUND", `There is no live model ${id.slice(0, 80)}.`, {
    field: "id",
    value: id.slice(0, 80),
    hint: "List the live models to see their names and ids.",
    status: 404,
  });
}

function asPrecision(text: string): Precision {
  return text === "int8" || text === "native" ? text : "fp32";
}
