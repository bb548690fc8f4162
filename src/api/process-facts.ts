// What the process map is made of: the facts of the caller's project, as the front doors say them now.
import { opens } from "../accounts/accounts.ts";
import { isEnded, type RunRow } from "../runs/runs.ts";
import type { Context } from "./context.ts";
import { type Facts, nextOf, type ProcessMap, stagesOf, toDeploy, toRegister } from "./process-map.ts";

const noTrainer =
  "No trainer is connected. Start one with `espalier trainer`, here or on another machine with --url and --token.";

/** Those of the models that a gate holds. */
async function heldOf(
  { gates, models, principal: { projectId } }: Context,
  proposed: readonly ({ id: string } | null)[],
): Promise<Facts["held"]> {
  const held: Facts["held"] = [];
  for (const one of proposed) {
    const model = one && (await models.find(projectId, one.id));
    if (!model) continue;
    const { results } = await gates.check(projectId, model);
    const first = results.find(({ state }) => state !== "passed");
    if (first) held.push({ id: model.id, gate: first.gate.name, state: first.state });
  }
  return held;
}

/** The whole map of the caller's project, from what the front doors say now. */
export async function readProcessMap(context: Context): Promise<ProcessMap> {
  const { models, datasets, chat, knowledge, providers, runs, trainers, accounts, principal } = context;
  const assessed = await context.assessments.page(context.principal.projectId, { first: 1 });
  const { projectId } = principal;
  const known = await trainers.list(projectId);
  const open: RunRow[] = [];
  for (const status of ["running", "queued"])
    open.push(...(await runs.list({ projectId, status, first: 200 })).items.filter((run) => !isEnded(run)));
  const withVersions = await Promise.all(
    (await datasets.list(projectId)).map(async ({ id, name }) => ({
      id,
      name,
      rows: (await datasets.versions(id))[0]?.rowCount ?? null,
    })),
  );
  const bases = await knowledge.page(projectId, { first: 1 });
  const recent = await chat.pageOfConversations(principal, { first: 1 });
  const complete = await models.listComplete(projectId);
  const live = await models.listDeployments(projectId);
  const registered = await models.listAliases(projectId);
  const facts: Facts = {
    bases: await models.listBases(projectId),
    datasets: withVersions,
    customized: await models.listCustomized(projectId),
    complete,
    live,
    registered,
    conversations: {
      count: await recent.totalCount(),
      newest: recent.items[0]?.title ?? null,
    },
    assessments: { count: await assessed.totalCount(), newest: assessed.items[0]?.name ?? null },
    held: await heldOf(context, [toDeploy({ complete, live }), toRegister({ live, registered })]),
    knowledge: { count: await bases.totalCount(), newest: bases.items[0]?.name ?? null },
    thirdParty: await models.entries(projectId, ["third-party"]),
    provider: (await providers.pageOf(projectId, { first: 1 })).items[0] ?? null,
    mayConnect: opens(principal.scopes, "admin"),
    open,
    hasTrainer: known.some(trainers.isOnline),
    trainerHint: context.localTrainer?.() ?? noTrainer,
  };
  return {
    stages: stagesOf(facts),
    next: nextOf(facts),
    trainers: known,
    trainerHint: facts.hasTrainer ? null : facts.trainerHint,
    project: (await accounts.findProject(context.principal, projectId))?.name ?? "",
  };
}
