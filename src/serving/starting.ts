// The run that starts a live model: its weights are loaded, and it must answer a smoke prompt.
import { and, eq, isNull } from "drizzle-orm";
import { z } from "zod";
import { deployments } from "../../schema/tables/models.ts";
import type { EnginePool, GenerationEvent } from "../inference/inference.ts";
import { EspalierError } from "../kit/errors.ts";
import type { Models } from "../models/models.ts";
import type { RunHandler } from "../runs/runs.ts";

type StartDeps = {
  models: Models;
  engine: EnginePool;
  /** Told the tokens per second of the smoke prompt. */
  noteSpeed: (deploymentId: string, tokensPerSecond: number) => void;
};

const specSchema = z.object({
  deploymentId: z.string(),
  modelId: z.string(),
  precision: z.enum(["fp32", "int8", "native"]),
});
const SMOKE = { messages: [{ role: "user", content: "Say hello." }], maxTokens: 12, temperature: 0 };

/** Loads the model and asks it; the deployment is live in the transaction that ends the run. */
export function startHandler({ models, engine, noteSpeed }: StartDeps): RunHandler {
  return async ({ run, signal, log: line, progress, crashPoint }) => {
    const spec = specSchema.parse(run.spec);
    const source = await models.sourceOf(spec.modelId);
    line(`loading at ${spec.precision}`);
    await engine.load(source, spec.precision, signal);
    progress({ fraction: 0.7 });
    crashPoint("loaded");
    signal.throwIfAborted();
    let text = "";
    let end: Extract<GenerationEvent, { type: "end" }> | undefined;
    const card = await models.cardOf(spec.modelId);
    // A model without a template is still a model: it gets the words as they are.
    const request = card.chatTemplate === null ? { prompt: "Hello", maxTokens: 12, temperature: 0 } : SMOKE;
    for await (const event of engine.generate(source, spec.precision, request, signal)) {
      if (event.type === "delta") text += event.text;
      if (event.type === "end") end = event;
      crashPoint(`smoke-${event.type}`);
    }
    if (!end || end.usage.completionTokens === 0)
      throw new EspalierError("SMOKE_FAILED", "The model said nothing to the smoke prompt.", {
        hint: "Chat with it at another precision, or check its chat template.",
      });
    line(`smoke prompt answered: ${JSON.stringify(text.slice(0, 200))}`);
    const smoke = { text, tokensPerSecond: end.tokensPerSecond, firstTokenMs: end.firstTokenMs };
    noteSpeed(spec.deploymentId, end.tokensPerSecond);
    crashPoint("smoked");
    return {
      result: { id: spec.deploymentId, name: run.name, smoke },
      commit: async (tx) => {
        await tx
          .update(deployments)
          .set({ status: "live", smoke, error: null })
          .where(and(eq(deployments.id, spec.deploymentId), isNull(deployments.retiredAt)));
      },
    };
  };
}
