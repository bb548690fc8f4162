// Trainings and live models as GraphQL and /v1 say, and as a person opens and deploys them in the browser.
import { z } from "zod";
import type { Walk } from "./browser-kit.ts";

export const QUESTION = "The courier left my parcel at the wrong house.";

const trainings = "{ trainings { nodes { name parameters run { status } metrics { step loss evalLoss } } } }";
const trained = z.object({
  trainings: z.object({
    nodes: z.array(
      z.object({
        name: z.string(),
        parameters: z.record(z.string(), z.unknown()),
        run: z.object({ status: z.string() }),
        metrics: z.array(
          z.object({ step: z.number(), loss: z.number().nullable(), evalLoss: z.number().nullable() }),
        ),
      }),
    ),
  }),
});
/** A training with its metrics. @throws Error when there is none of this name */
export async function readTraining(walk: Walk, name: string) {
  const found = trained.parse(await walk.graphql(trainings)).trainings.nodes.find((one) => one.name === name);
  if (!found) throw new Error(`no training ${name}`);
  return found;
}
const live = z.object({
  liveModels: z.object({
    nodes: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        status: z.string(),
        health: z.string(),
        precision: z.string(),
        memoryBytes: z.number().nullable(),
        tokensPerSecond: z.number().nullable(),
        aliases: z.array(z.string()),
        source: z.object({ kind: z.string(), name: z.string() }),
        lineage: z.array(z.object({ kind: z.string(), name: z.string() })),
      }),
    ),
  }),
});
/** A live model as the API says; undefined when none has this name. */
export async function readLive(walk: Walk, name: string) {
  const { liveModels } = live.parse(
    await walk.graphql(
      "{ liveModels { nodes { id name status health precision memoryBytes tokensPerSecond aliases source { kind name } lineage { kind name } } } }",
    ),
  );
  return liveModels.nodes.find((one) => one.name === name);
}
/** What a model says to the question at /v1. @throws ZodError when it refuses */
export async function answerBy(walk: Walk, model: string): Promise<string> {
  const response = await fetch(`${walk.url()}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${walk.key}`, "content-type": "application/json" },
    body: JSON.stringify({
      model,
      messages: [{ role: "user", content: QUESTION }],
      temperature: 0,
      max_tokens: 16,
    }),
  });
  const reply = z.object({ choices: z.tuple([z.object({ message: z.object({ content: z.string() }) })]) });
  return reply.parse(await response.json()).choices[0].message.content;
}

/** What a step would call what it makes of a model. */
export async function readGeneratedName(walk: Walk, model: string, step: string, precision?: string) {
  const query =
    "query ($model: String!, $step: NamedStep!, $precision: Precision) { generatedName(model: $model, step: $step, precision: $precision) }";
  const said = await walk.graphql(query, { model, step, precision });
  return z.object({ generatedName: z.string() }).parse(said).generatedName;
}

/** From the page of a list to the page of one of its things. */
export async function openFrom(walk: Walk, list: string, name: string): Promise<void> {
  await walk.open(list);
  await walk.page.getByRole("table").getByRole("link", { name, exact: true }).first().click();
  await walk.heading(name).waitFor();
}
/** Deploys what the page shows, and waits until it answers. */
export async function deployHere(walk: Walk, name: string): Promise<void> {
  const { page } = walk;
  await walk.button("Deploy").click();
  await walk.dialog().getByLabel("Name of the live model").fill(name);
  await walk.button(/^Deploy /, walk.dialog()).click();
  await walk.heading(name).waitFor();
  await page.locator(".e-pill", { hasText: /^live$/ }).waitFor({ timeout: 600_000 });
}

/** Ends one thing of the trash, then all that is left there, each after a question. */
export async function endForGood(walk: Walk, name: string): Promise<void> {
  await walk.open("/trash");
  for (const button of [`Delete for good: ${name}`, "Empty the trash"]) {
    await walk.button(button).click();
    await walk.button("Delete for good", walk.dialog()).click();
    await walk.page
      .getByText(/gone for good/)
      .last()
      .waitFor();
    await walk.button(button).waitFor({ state: "detached" });
  }
  await walk.page.getByText("Nothing was deleted").waitFor();
}
