// /trainer/v1: trainers check in, take runs, report events, deliver files and finish. The contract is schema/trainer.ts.
import { open, rm } from "node:fs/promises";
import type { z } from "zod";
import {
  artifactName,
  contractVersion,
  eventsRequest,
  finishRequest,
  goodbyeRequest,
  type HelloResponse,
  heartbeatRequest,
  helloEnvelope,
  helloRequest,
  type LeaseResponse,
  leaseRequest,
  releaseRequest,
} from "../../schema/trainer.ts";
import { EspalierError } from "../kit/errors.ts";
import { crashPoint } from "../kit/faults.ts";
import { limits } from "../kit/limits.ts";
import type { ApiDeps } from "./context.ts";
import {
  checked,
  decodeSegment,
  json,
  methodNotAllowed,
  notFound,
  parseJson,
  readBody,
  readJson,
} from "./http.ts";
import type { TrainerRegistry } from "./trainers.ts";

/** `projectId`: the only project whose runs the caller may touch; all where it is undefined. */
type Deps = ApiDeps & { trainers: TrainerRegistry; projectId: string | undefined };
const RUN_PATH =
  /^\/trainer\/v1\/runs\/([A-Za-z0-9_-]{1,128})\/(heartbeat|events|finish|release|artifacts)(?:\/([^/]+))?$/;
const BLOB_PATH = /^\/trainer\/v1\/blobs\/([0-9a-f]{64})$/;

/** Answers a request under /trainer/v1; the caller has checked the scope "trainer". */
export async function handleTrainer(request: Request, deps: Deps): Promise<Response> {
  const { pathname } = new URL(request.url);
  const blob = BLOB_PATH.exec(pathname)?.[1];
  if (blob !== undefined) return sendBlob(request, blob, deps);
  const message = /^\/trainer\/v1\/(?:runs\/[^/]+\/)?([a-z]{1,20})(?:\/|$)/.exec(pathname)?.[1] ?? "unknown";
  crashPoint(`trainer.${message}.received`);
  const response = await answer(request, pathname, deps);
  crashPoint(`trainer.${message}.handled`);
  return response;
}

async function answer(request: Request, pathname: string, deps: Deps): Promise<Response> {
  const [, runId, verb, encoded] = RUN_PATH.exec(pathname) ?? [];
  const name = encoded === undefined ? undefined : decodeSegment(encoded);
  if (runId !== undefined) await ownRun(runId, deps);
  if (runId !== undefined && verb === "artifacts" && name !== undefined)
    return takeArtifact(request, { runId, name }, deps);
  if (request.method !== "POST") throw methodNotAllowed(request.method, "POST");
  if (pathname === "/trainer/v1/hello") return hello(request, deps);
  if (pathname === "/trainer/v1/lease") return lease(request, deps);
  if (pathname === "/trainer/v1/goodbye") return goodbye(request, deps);
  if (runId === undefined || name !== undefined) throw notFound("page", pathname);
  if (verb === "heartbeat") return heartbeat(request, runId, deps);
  if (verb === "events") return events(request, runId, deps);
  if (verb === "finish") return finish(request, runId, deps);
  if (verb === "release") return release(request, runId, deps);
  throw notFound("page", pathname);
}

/** Refuses a run of another project as one that is not there. @throws EspalierError RUN_NOT_FOUND, NOT_FOUND */
async function ownRun(runId: string, { runs, projectId }: Deps): Promise<void> {
  const run = await runs.get(runId);
  if (projectId !== undefined && run.projectId !== projectId) throw notFound("run", runId);
}

async function hello(request: Request, { trainers, projectId, config, log }: Deps): Promise<Response> {
  const body = parseJson(await readBody(request, limits.requestBodyBytes));
  // The version first: another version's message may be of another shape, and its error would mislead.
  const said = check(helloEnvelope, body).contractVersion;
  if (said !== contractVersion)
    throw new EspalierError(
      "CONTRACT_VERSION_MISMATCH",
      `the trainer speaks ${said.slice(0, 100)}, this server ${contractVersion}`,
      {
        hint: "Install the trainer that came with this server.",
        field: "contractVersion",
        value: said.slice(0, 100),
        status: 409,
      },
    );
  const trainer = await trainers.hello(check(helloRequest, body), projectId ?? null);
  log.info("a trainer checked in", { trainer: trainer.name, host: trainer.host });
  const answer: HelloResponse = {
    trainerId: trainer.id,
    contractVersion,
    heartbeatMs: Math.max(100, Math.floor(config.leaseMs / 4)),
  };
  return json(answer);
}

async function lease(
  request: Request,
  { trainers, runs, training, projectId, config }: Deps,
): Promise<Response> {
  const { trainerId, waitMs, load } = await readJson(request, leaseRequest);
  await trainers.seen(trainerId, projectId ?? null, { withinMs: waitMs, load });
  const run = await runs.claim({
    executor: "trainer",
    owner: trainerId,
    projectId,
    leaseMs: config.leaseMs,
    waitMs,
    signal: request.signal,
  });
  // Whoever waits for work hangs up only when it ends.
  if (request.signal.aborted) trainers.hungUp(trainerId);
  if (!run) return new Response(null, { status: 204 });
  if (request.signal.aborted) {
    await runs.giveBack(run.id, run.attempt, "the trainer was gone before it heard of the run");
    return new Response(null, { status: 204 });
  }
  const answer: LeaseResponse = await training.leaseFor(run, config.leaseMs);
  return json(answer);
}

async function heartbeat(
  request: Request,
  runId: string,
  { runs, trainers, projectId, config }: Deps,
): Promise<Response> {
  const { attempt, load } = await readJson(request, heartbeatRequest);
  const answer = await runs.heartbeat(runId, attempt, config.leaseMs);
  const owner = (await runs.find(runId))?.leaseOwner;
  if (owner) await trainers.seen(owner, projectId ?? null, { load });
  return json(answer);
}

async function events(request: Request, runId: string, { runs }: Deps): Promise<Response> {
  const body = await readJson(request, eventsRequest);
  const { lastSenderSeq } = await runs.appendEvents(
    runId,
    body.attempt,
    body.events.map(({ seq, at, type, ...data }) => ({ senderSeq: seq, at, type, data })),
  );
  return json({ lastSeq: lastSenderSeq });
}

async function finish(request: Request, runId: string, { training }: Deps): Promise<Response> {
  const body = await readJson(request, finishRequest);
  const run = await training.acceptTrainerResult(runId, body);
  return json({ status: run.status });
}

/** The trainer ends while it holds the run: the next one need not wait until the lease runs out. */
async function release(request: Request, runId: string, { runs }: Deps): Promise<Response> {
  const { attempt } = await readJson(request, releaseRequest);
  const run = await runs.giveBack(runId, attempt, "its trainer was stopped");
  return json({ status: run.status });
}

async function goodbye(request: Request, { trainers, projectId, log }: Deps): Promise<Response> {
  const { trainerId } = await readJson(request, goodbyeRequest);
  const trainer = await trainers.goodbye(trainerId, projectId ?? null);
  log.info("a trainer left", { trainer: trainer.name, host: trainer.host });
  return new Response(null, { status: 204 });
}

async function takeArtifact(
  request: Request,
  { runId, name }: { runId: string; name: string },
  { runs, store }: Deps,
): Promise<Response> {
  if (request.method !== "PUT") throw methodNotAllowed(request.method, "PUT");
  check(artifactName, name);
  const attempt = Number(request.headers.get("x-attempt"));
  const announced = request.headers.get("x-sha256") ?? "";
  if (!Number.isInteger(attempt) || attempt < 1) throw badHeader("X-Attempt", "the number of the attempt");
  if (!/^[0-9a-f]{64}$/.test(announced)) throw badHeader("X-Sha256", "the SHA-256 in lower-case hex");
  // Asked before the bytes are read: who lost the lease should not send gigabytes to learn of it.
  const run = await runs.get(runId);
  if (run.status !== "running" || run.attempt !== attempt)
    throw new EspalierError(
      "STALE_ATTEMPT",
      `attempt ${attempt} of run ${runId} is not the one that counts`,
      {
        hint: "Drop this work; another attempt goes on.",
        value: String(attempt),
        status: 409,
      },
    );
  const file = await receive(request, store);
  const { sha256, sizeBytes } = await store.blobs.putFile(file, { sha256: announced });
  await runs.addArtifact(runId, attempt, { name, sha256, sizeBytes });
  return json({ name, sha256, sizeBytes });
}

/** Streams a body into a temp file of the blob folder. @throws EspalierError BODY_TOO_LARGE, DISK_FULL. */
async function receive(request: Request, store: ApiDeps["store"]): Promise<string> {
  const path = store.blobs.tempPath();
  const file = await open(path, "wx", 0o600);
  try {
    let size = 0;
    for await (const part of request.body ?? []) {
      size += part.byteLength;
      if (size > limits.uploadBytes)
        throw new EspalierError("BODY_TOO_LARGE", `the file has more than ${limits.uploadBytes} bytes`, {
          status: 413,
        });
      await file.writeFile(part);
      crashPoint("trainer.artifacts.chunk");
    }
    await file.close();
    return path;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(path, { force: true });
    if (error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT"))
      throw new EspalierError("DISK_FULL", "the server's disk is full, the file cannot be kept", {
        hint: "Free some space there; the trainer tries again.",
        status: 507,
      });
    throw error;
  }
}

/** A blob that a running training needs, whole or from an offset on. */
async function sendBlob(
  request: Request,
  hash: string,
  { store, training, projectId }: Deps,
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed(request.method, "GET");
  if (projectId !== undefined && !(await training.needsBlob(projectId, hash))) throw notFound("blob", hash);
  const size = await store.blobs.size(hash);
  if (size === null) throw notFound("blob", hash);
  const headers = { "accept-ranges": "bytes", "content-type": "application/octet-stream", etag: `"${hash}"` };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (!range) return new Response(await store.blobs.openRead(hash), { headers });
  const start = Number(range[1]);
  const last = range[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  if (start > last)
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${size}` } });
  return new Response(await store.blobs.openRead(hash, { start, end: last + 1 }), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${last}/${size}` },
  });
}

const check = <T>(schema: z.ZodType<T>, body: unknown): T =>
  checked(schema, body, { whole: "the message", hint: "It has to be as schema/trainer.json says." });

function badHeader(name: string, meaning: string): EspalierError {
  return new EspalierError("HEADER_INVALID", `the header ${name} has to be ${meaning}`, { field: name });
}
