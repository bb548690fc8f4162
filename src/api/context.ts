// What every resolver and route can reach: the front doors, and who asks.
import type { Accounts, Principal } from "../accounts/accounts.ts";
import type { Assessments, Gates } from "../assessments/assessments.ts";
import type { Chat } from "../chat/chat.ts";
import type { Collecting } from "../collect/collect.ts";
import type { Config } from "../config.ts";
import type { Dashboard } from "../dashboard/dashboard.ts";
import type { Datasets } from "../datasets/datasets.ts";
import type { Images } from "../images/images.ts";
import type { Embedders, EnginePool } from "../inference/inference.ts";
import type { Log } from "../kit/log.ts";
import type { Knowledge } from "../knowledge/knowledge.ts";
import type { Models, Providers } from "../models/models.ts";
import type { Notifications } from "../notifications/notifications.ts";
import type { Runs } from "../runs/runs.ts";
import type { Serving } from "../serving/serving.ts";
import type { Store } from "../store/store.ts";
import type { Training } from "../training/training.ts";
import type { Usage } from "../usage/usage.ts";
import type { TrainerRegistry } from "./trainers.ts";
import type { Uploads } from "./uploads.ts";

/** The front doors that the API stands on. */
export type ApiDeps = {
  accounts: Accounts;
  store: Store;
  runs: Runs;
  datasets: Datasets;
  models: Models;
  providers: Providers;
  training: Training;
  serving: Serving;
  knowledge: Knowledge;
  images: Images;
  embedders: Embedders;
  engine: EnginePool;
  usage: Usage;
  dashboard: Dashboard;
  notifications: Notifications;
  chat: Chat;
  assessments: Assessments;
  collecting: Collecting;
  gates: Gates;
  config: Config;
  log: Log;
  /** What the server's own trainer is doing while it has not checked in; null where there is nothing to say. */
  localTrainer?: () => string | null;
};

/** The context of one GraphQL operation. There is no `request` in it: over a WebSocket there is none. */
export type Context = ApiDeps & { uploads: Uploads; trainers: TrainerRegistry; principal: Principal };
