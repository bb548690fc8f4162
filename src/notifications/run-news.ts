// What the end of a run tells, and what comes next: written in the transaction in which the run ends.
import { eq } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { z } from "zod";
import { assessments } from "../../schema/tables/assessments.ts";
import { datasets } from "../../schema/tables/datasets.ts";
import { knowledgeBases } from "../../schema/tables/knowledge.ts";
import {
  baseModels,
  completeModels,
  customizedModels,
  deployments,
  trainings,
} from "../../schema/tables/models.ts";
import type { NotificationAbout } from "../../schema/tables/notifications.ts";
import { trainers } from "../../schema/tables/runs.ts";
import { EVERY_KIND, type RunRow, type Runs } from "../runs/runs.ts";
import type { Tx } from "../store/store.ts";
import type { NextVerb, NotificationKind } from "./kinds.ts";
import { adminsOf, behind, nameOf } from "./recipients.ts";
import type { Tell } from "./tell.ts";

type Next = { verb: NextVerb; name: string; path: string };
type Named = SQLiteTable & { id: SQLiteColumn; name: SQLiteColumn };

const kindOfEnd: Record<string, NotificationKind> = {
  succeeded: "run-succeeded",
  failed: "run-failed",
  cancelled: "run-cancelled",
};
const trainResult = z.object({ customizedId: z.string() });

/** Tells of every run's end and of trainers that left with one in hand, from now on. */
export function tellOfRuns(runs: Runs, tell: Tell): void {
  runs.registerHooks(EVERY_KIND, {
    async ended(tx, run) {
      const kind = kindOfEnd[run.status];
      if (!kind) return;
      const cancelled = kind === "run-cancelled" ? await behind(tx, run.cancelledBy) : [];
      const by = await nameOf(tx, cancelled[0] ?? null);
      await tell(tx, {
        projectId: run.projectId,
        kind,
        event: `${run.id} ${run.status}`,
        about: {
          name: run.name,
          runId: run.id,
          runKind: run.kind,
          ...(run.error ? { message: run.error.message } : {}),
          ...(by === undefined ? {} : { by }),
          next: run.status === "succeeded" ? await nextAfter(tx, run) : lookAt(run),
        },
        // Who cancelled knows.
        to: (await behind(tx, run.createdBy)).filter((id) => !cancelled.includes(id)),
      });
    },
    async lost(tx, run) {
      if (run.executor !== "trainer") return;
      const trainer = await tx.query.trainers.findFirst({ where: eq(trainers.id, run.leaseOwner ?? "") });
      await tell(tx, {
        projectId: run.projectId,
        kind: "trainer-lost",
        event: `${run.id} ${run.attempt} lost`,
        about: {
          name: trainer?.name ?? run.leaseOwner ?? "",
          runId: run.id,
          runKind: run.kind,
          message: run.name,
          next: lookAt(run),
        },
        to: [...(await adminsOf(tx, run.projectId)), ...(await behind(tx, run.createdBy))],
      });
    },
  });
}

function lookAt({ id, name, status }: RunRow): Next {
  return { verb: status === "failed" ? "see-why" : "open", name, path: `/runs/${id}` };
}

/** What a person is likely to do with what the run made; the run itself where that has no page. */
async function nextAfter(tx: Tx, run: RunRow): Promise<NotificationAbout["next"]> {
  const id = run.subjectId ?? "";
  const next = async (verb: NextVerb, table: Named, folder: string, of = id): Promise<Next> => {
    const [row] = await tx.select({ name: table.name }).from(table).where(eq(table.id, of));
    return row ? { verb, name: String(row.name), path: `${folder}/${of}` } : lookAt(run);
  };
  switch (run.kind) {
    case "train": {
      const training = await tx.query.trainings.findFirst({ where: eq(trainings.id, id) });
      const made = trainResult.safeParse(run.result);
      if (!made.success || training?.save) return next("open", trainings, "/trainings");
      return next("save", customizedModels, "/customized", made.data.customizedId);
    }
    case "merge":
      return next("deploy", completeModels, "/complete");
    case "deploy":
      return next("register", deployments, "/live");
    case "import-model":
      return next("open", baseModels, "/base-models");
    case "import-dataset":
      return next("open", datasets, "/datasets");
    case "index-documents":
    case "rebuild-index":
    case "evaluate-retrieval":
      return next("open", knowledgeBases, "/knowledge");
    case "assess":
    case "check-overlap":
      return next("open", assessments, "/assessments");
    case "make-images":
      // Its name is what the images show, too long for a button.
      return { verb: "open", name: "", path: "/images" };
    default:
      return lookAt(run);
  }
}
