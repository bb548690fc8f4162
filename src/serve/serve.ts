// The composition root: builds every front door over one store, serves, and takes everything down again.
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { createAccounts } from "../accounts/accounts.ts";
import { createApi } from "../api/api.ts";
import { createAssessments, createGates, createGrading, type Gates } from "../assessments/assessments.ts";
import { createChat } from "../chat/chat.ts";
import { createCollecting } from "../collect/collect.ts";
import { type Config, childEnvironment } from "../config.ts";
import { createDashboard } from "../dashboard/dashboard.ts";
import { createDatasets } from "../datasets/datasets.ts";
import { createImages } from "../images/images.ts";
import {
  createBuiltInEmbedder,
  createEmbedders,
  createEnginePool,
  type RecordCall,
} from "../inference/inference.ts";
import { createOutbound } from "../inference/remote/outbound.ts";
import { createRemote } from "../inference/remote/remote.ts";
import { now } from "../kit/clock.ts";
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import { armCrashPoint, crashPoint } from "../kit/faults.ts";
import { createLog, type Log } from "../kit/log.ts";
import { createKnowledge } from "../knowledge/knowledge.ts";
import { createModels, createProviders } from "../models/models.ts";
import { createDiskWatch, createNotifications } from "../notifications/notifications.ts";
import { createRuns } from "../runs/runs.ts";
import { createServing, type ServingDeps } from "../serving/serving.ts";
import { createSecrets } from "../store/secrets.ts";
import { openStore } from "../store/store.ts";
import { createTraining } from "../training/training.ts";
import { createUsage } from "../usage/usage.ts";
import { importSamples } from "./samples.ts";
import { startTrainer, type TrainerChild, venvOf } from "./trainer.ts";

export type ServeOptions = {
  config: Config;
  /** Model file or folder that is imported with the sample dataset into an empty server. */
  sampleModel?: string | undefined;
  withTrainer: boolean;
};

export type RunningServer = {
  url: string;
  /** One-time link for the first person; null when somebody has set the server up. */
  setupUrl: string | null;
  close(): Promise<void>;
};

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** Command that becomes another mode of this same program. */
export function ownCommand(...args: string[]): string[] {
  const own = Bun.isStandaloneExecutable ? [] : [join(import.meta.dir, "..", "main.ts")];
  return [process.execPath, ...own, ...args];
}

/** Starts the server; resolves when it answers. @throws EspalierError of the store, the port, the configuration */
export async function startServer({
  config,
  sampleModel,
  withTrainer,
}: ServeOptions): Promise<RunningServer> {
  if (!LOOPBACK.test(config.host) && config.publicUrl === undefined)
    throw new EspalierError("CONFIG_INVALID", `--host ${config.host} is beyond this machine.`, {
      field: "--public-url",
      value: config.host,
      hint: "Say with --public-url under which address people reach the server.",
    });
  armCrashPoint(config.crashAt);
  const log = createLog({ level: config.logLevel });
  const clock = now;
  const store = await openStore({ dataDir: config.dataDir, log });
  const closers: (() => Promise<unknown> | unknown)[] = [() => store.close()];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse())
      await Promise.resolve()
        .then(one)
        .catch((error: unknown) => log.warn("something did not stop cleanly", { error }));
  };
  try {
    const engine = createEnginePool({
      cacheDir: join(config.cacheDir, "engine"),
      command: ownCommand("engine"),
      env: childEnvironment(),
      memoryBudgetBytes: config.memoryBudgetBytes,
      idleMs: config.engineIdleMs,
      threads: config.engineThreads,
      runtime: config.engineRuntime,
      clock,
      log: (line) => log.info("engine", { line }),
    });
    closers.push(() => engine.close());
    const runs = createRuns({ store, clock, log });
    const { dataDir, secretKey, secretKeyFile } = config;
    const secrets = createSecrets({ dataDir, key: secretKey, keyFile: secretKeyFile });
    const outbound = createOutbound({ clock });
    const notifications = createNotifications({ store, runs, clock, log, secrets, outbound });
    const accounts = createAccounts({ store, clock, notifications });
    const reader = { command: ownCommand("dataset-reader"), env: childEnvironment() };
    const datasets = createDatasets({ store, runs, engine, clock, reader });
    const { memoryBudgetBytes } = config;
    const models = createModels({ store, runs, engine, clock, memoryBudgetBytes });
    const usage = createUsage({ store, clock, log });
    closers.push(() => usage.close());
    const remote = createRemote({ clock });
    const record: RecordCall = (call) =>
      void usage.record({ ...call, userId: null, keyId: null, source: "knowledge" });
    const providers = createProviders({ store, secrets, remote, clock, record });
    const training = createTraining({ store, runs, models, datasets, clock });
    // Gates look at assessments, which stand to the right of serving; nothing is deployed before they are there.
    let gates: Gates;
    const checkGate: NonNullable<ServingDeps["checkGate"]> = (wish) => gates.admit(wish);
    const serving = createServing({ store, runs, models, engine, clock, log, checkGate });
    closers.push(() => serving.close());
    const embedders = createEmbedders([createBuiltInEmbedder(engine)], providers.embedders);
    const knowledge = createKnowledge({
      store,
      runs,
      embedders,
      findReranker: providers.findReranker,
      clock,
      log,
      reader: { command: ownCommand("document-reader"), env: childEnvironment() },
      searcher: { command: ownCommand("knowledge-searcher"), env: childEnvironment() },
    });
    closers.push(() => knowledge.close());
    const images = createImages({ store, runs, models, providers, usage, clock });
    const chat = createChat({ store, models, providers, serving, knowledge, engine, usage, clock, log });
    closers.push(() => chat.close());
    const { answer } = chat;
    const grading = createGrading({
      embedders,
      usage,
      process: { command: ownCommand("answer-grader"), env: childEnvironment() },
    });
    closers.push(() => grading.close());
    const assessments = createAssessments({
      ...{ store, runs, datasets, models, training, knowledge, embedders, answer, grading, clock },
      finder: { command: ownCommand("overlap-finder"), env: childEnvironment() },
      reporter: { command: ownCommand("assessment-reporter"), env: childEnvironment() },
    });
    closers.push(() => assessments.close());
    gates = createGates({ store, models, assessments, clock });
    let isReady = false;
    const fronts = {
      accounts,
      store,
      runs,
      datasets,
      models,
      providers,
      training,
      serving,
      knowledge,
      images,
      embedders,
      engine,
      usage,
      dashboard: createDashboard({ store, clock }),
      notifications,
      chat,
      assessments,
      gates,
      collecting: createCollecting({ store, datasets, assessments, chat }),
    };
    let trainer: LocalTrainer | undefined;
    const localTrainer = (): string | null => trainer?.hint() ?? null;
    const api = createApi({ ...fronts, config, log, isReady: () => isReady, localTrainer });
    closers.push(() => api.close());

    await runs.recoverAtStart(config.leaseMs);
    await models.recover();
    await serving.recover();
    await chat.recover();
    knowledge.recover();
    await assessments.recover();
    crashPoint("serve.recovered");
    const token = await accounts.ensureSetup();
    const server = listen(config, api, log);
    closers.push(() => server.stop(true));
    const workers = runs.startWorkers({
      owner: `server ${hostname()} ${process.pid}`,
      leaseMs: config.leaseMs,
      // Images are waited for, not worked on: one slow provider must not hold up the others.
      concurrency: { "import-dataset": 2, "index-documents": 2, "make-images": 4, assess: 2 },
    });
    closers.push(() => workers.stop());
    closers.push(notifications.startPosting());
    const watch = createDiskWatch({ store, notifications, clock, log });
    closers.push(watch.stop);
    isReady = true;
    const local = `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${server.port}`;
    const url = config.publicUrl ?? local;
    if (withTrainer) {
      const { id } = await accounts.firstProject();
      const token = accounts.createProcessKey("local trainer", ["trainer"], id);
      trainer = startLocalTrainer(config, local, token, log);
      closers.push(trainer.stop);
    }
    if (sampleModel !== undefined) {
      const project = await accounts.firstProject();
      const input = { projectId: project.id, modelPath: resolve(sampleModel) };
      importSamples({ models, datasets, runs, store }, input).catch((error: unknown) =>
        log.warn("the samples could not be imported", { error: messageOf(error) }),
      );
    }
    return { url, setupUrl: token === null ? null : `${url}/setup?token=${token}`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function listen(config: Config, api: ReturnType<typeof createApi>, log: Log) {
  try {
    return Bun.serve({
      hostname: config.host,
      port: config.port,
      // Quiet event streams live longer than any timeout.
      idleTimeout: 0,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request, server) => api.fetch(request, server),
      websocket: api.websocket,
      error: (error) => {
        log.error("a request failed outside its handler", { error });
        return new Response("internal error\n", { status: 500 });
      },
    });
  } catch (error) {
    throw new EspalierError(
      "PORT_UNUSABLE",
      `Port ${config.port} of ${config.host} cannot be used: ${messageOf(error)}`,
      {
        field: "--port",
        value: String(config.port),
        hint: "End the program that has it, or choose another one; 0 takes a free one.",
      },
    );
  }
}

type LocalTrainer = Pick<TrainerChild, "stop"> & {
  /** What people should know while it has not checked in. */
  hint(): string | null;
};

/** In the background: the page is there before the trainer's environment is, and without it too. */
function startLocalTrainer(config: Config, url: string, token: string, log: Log): LocalTrainer {
  const trainerLog = log.child({ part: "trainer" });
  let failure: string | undefined;
  const trainer = startTrainer({
    url,
    token,
    python: config.trainerPython,
    venv: venvOf(config),
    cacheDir: config.cacheDir,
    log: (line) => trainerLog.info(line),
    restart: true,
  });
  trainer.ended.catch((error: unknown) => {
    failure = messageOf(error);
    const hint = isEspalierError(error) ? { hint: error.hint } : {};
    log.warn("going on without a trainer: all but training works", { error: failure, ...hint });
  });
  return {
    stop: trainer.stop,
    hint() {
      if (failure !== undefined) return `No trainer on this machine: ${failure}. The server's log says why.`;
      return trainer.isPreparing()
        ? "The trainer of this machine is being prepared, once; it takes some minutes and then joins by itself."
        : null;
    },
  };
}
