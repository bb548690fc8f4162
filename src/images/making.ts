// The run that makes images: one call for each, so that each has its seed, and none that is kept is paid for again.
import { eq } from "drizzle-orm";
import { z } from "zod";
import { imageRequests, images } from "../../schema/tables/images.ts";
import type { Clock } from "../kit/clock.ts";
import { monotonicMs } from "../kit/clock.ts";
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Providers } from "../models/models.ts";
import type { HandlerContext, RunHandler } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import type { Usage } from "../usage/usage.ts";

const makingSpec = z.object({
  requestId: z.string(),
  /** On whose account the calls go. */
  caller: z.object({ userId: z.string().nullable(), keyId: z.string().nullable() }),
  /** The blob of the picture to start from, whatever becomes of its row. */
  source: z.object({ sha256: z.string(), mediaType: z.string() }).nullable(),
});
export type MakingSpec = z.infer<typeof makingSpec>;

type Deps = { store: Store; providers: Providers; usage: Usage; clock: Clock };
type RequestRow = typeof imageRequests.$inferSelect;
type Source = { mediaType: string; bytes: Uint8Array } | null;

/** Makes what is missing of a request. What was made before a failure, a cancel or a crash stays. */
export function imagesHandler(deps: Deps): RunHandler {
  const { store } = deps;
  return async (ctx) => {
    const { run, signal } = ctx;
    const { requestId, caller, source } = makingSpec.parse(run.spec);
    const request = await store.db.query.imageRequests.findFirst({ where: eq(imageRequests.id, requestId) });
    if (!request) throw gone();
    const { count, madePlaces } = request;
    const picture = source && {
      mediaType: source.mediaType,
      bytes: new Uint8Array(await (await store.blobs.openRead(source.sha256)).arrayBuffer()),
    };
    const left = Array.from({ length: count }, (_, place) => place).filter(
      (place) => !madePlaces.includes(place),
    );
    let made = count - left.length;
    let failure: unknown;
    ctx.progress({ step: made, total: count });
    async function work(): Promise<void> {
      for (let place = left.shift(); place !== undefined && failure === undefined; place = left.shift()) {
        try {
          await makeOne(deps, ctx, { request: request as RequestRow, caller, place, picture });
          made += 1;
          ctx.progress({ step: made, total: count });
        } catch (error) {
          signal.throwIfAborted();
          // Those under way are waited for, because they are paid for; more of them would fare no better.
          failure ??= error;
          ctx.log(`Image ${place + 1}: ${messageOf(error)}`, "error");
        }
      }
    }
    const ends = await Promise.allSettled(
      Array.from({ length: Math.min(limits.imagesAtOnce, left.length) }, work),
    );
    signal.throwIfAborted();
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    if (failure !== undefined) throw made > 0 ? partial(failure, made, count) : failure;
    return { result: { images: count } };
  };
}

type One = { request: RequestRow; caller: MakingSpec["caller"]; place: number; picture: Source };

async function makeOne(
  { store, providers, usage, clock }: Deps,
  { run, signal, log, crashPoint }: HandlerContext,
  { request, caller, place, picture }: One,
): Promise<void> {
  const { projectId, model, modelId, prompt, ratio } = request;
  const seed = request.seed === null ? null : request.seed + place;
  const startedAt = monotonicMs();
  const wish = { prompt, ratio, seed, source: picture };
  const made = await providers.makeImage({ modelId, name: model }, wish, signal);
  const latencyMs = Math.round(monotonicMs() - startedAt);
  const { bytes, mediaType, width, height, inputTokens, outputTokens, costUsd } = made;
  crashPoint("answered");
  const blob = await store.blobs.putBytes(bytes);
  crashPoint("blob-put");
  const at = clock();
  const isKept = await store.write(async (tx) => {
    const now = await tx.query.imageRequests.findFirst({ where: eq(imageRequests.id, request.id) });
    // An attempt that lost its lease may have been faster, or the request was deleted.
    if (!now || now.madePlaces.includes(place)) return false;
    await tx.insert(images).values({
      id: newId("image", at),
      projectId,
      userId: request.userId,
      createdBy: request.createdBy,
      ...blob,
      ...{ mediaType, width, height, prompt, model, modelId, ratio, seed, costUsd, latencyMs, place },
      sourceId: request.sourceId,
      imageRequestId: request.id,
      createdAt: at,
    });
    await tx
      .update(imageRequests)
      .set({ madePlaces: [...now.madePlaces, place] })
      .where(eq(imageRequests.id, request.id));
    return true;
  }, "image.keep");
  crashPoint("kept");
  // What was paid is counted, also where nobody wants it any more.
  await usage.record({
    projectId,
    ...caller,
    source: "image",
    modelName: model,
    modelId,
    ...{ inputTokens, outputTokens, costUsd, latencyMs },
  });
  log(`Image ${place + 1}: ${width} × ${height}${isKept ? "" : ", not kept"} (${run.name})`);
}

/** The first failure, saying that some images are there. */
function partial(failure: unknown, made: number, count: number): unknown {
  if (!isEspalierError(failure)) return failure;
  const { code, message, hint, field, value, status } = failure;
  return new EspalierError(code, `${made} of ${count} images are there. ${message}`, {
    hint: `${hint ?? ""} Run it again to make only those that are missing.`.trim(),
    ...(field === undefined ? {} : { field }),
    ...(value === undefined ? {} : { value }),
    status,
  });
}

function gone(): EspalierError {
  return new EspalierError("IMAGE_REQUEST_NOT_FOUND", "What was asked for has been deleted.", {
    hint: "Ask for it again.",
    status: 404,
  });
}
