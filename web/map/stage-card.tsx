// One stage of the map as a card: what exists, what runs, what is missing, and the action that is one click away.
import { Skeleton } from "@mantine/core";
import {
  IconBooks,
  IconBroadcast,
  IconChecklist,
  IconMessageCircle,
  IconPlant,
  IconPlugConnected,
  IconSeedling,
  IconTable,
  IconTag,
  IconTree,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import type { CSSProperties } from "react";
import { type Scope, useWhyNot } from "../accounts/viewer.tsx";
import { useLiveRun } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { duration } from "../ui/format.ts";
import { Bar, isSilent, statusWord } from "../ui/status.tsx";
import { type Box, isSlim } from "./layout.ts";
import type { mapQuery } from "./queries.ts";
import { stageHome, stageTitle } from "./words.ts";

export type MapData = ResultOf<typeof mapQuery>["processMap"];
export type Stage = MapData["stages"][number];
type StageRun = Stage["running"][number];

const icons = {
  base: IconSeedling,
  datasets: IconTable,
  customized: IconPlant,
  complete: IconTree,
  live: IconBroadcast,
  registered: IconTag,
  assessment: IconChecklist,
  chat: IconMessageCircle,
  knowledge: IconBooks,
  thirdParty: IconPlugConnected,
} as const;
export type StageKey = keyof typeof icons;

function StageRunLine(props: { run: StageRun }) {
  const run = useLiveRun(props.run);
  const steps =
    run.step !== null && run.totalSteps
      ? t("step {{step}} of {{total}}", { step: run.step, total: run.totalSteps })
      : "";
  const left = run.etaSeconds === null ? "" : t("{{left}} left", { left: duration(run.etaSeconds) });
  return (
    <>
      <p title={said(run.name)}>{said(run.name)}</p>
      <p>
        {isSilent(run)
          ? t("Its trainer is not heard from")
          : run.kind === "TRAIN" && run.status === "QUEUED"
            ? t("Waits for a trainer")
            : [steps, left].filter(Boolean).join(", ") || t("getting ready")}
      </p>
      <Bar
        share={run.status === "QUEUED" ? 0 : run.progress}
        label={t("Progress of {{name}}", { name: said(run.name) })}
      />
    </>
  );
}

/** What a path of the map asks for beyond reading; pages of a thing gate their own buttons. */
export function scopeOfPath(path: string): Scope {
  if (path === "/train") return "train";
  if (path.startsWith("/chat") || path === "/assess") return "chat";
  if (path.endsWith("?add=1")) return "admin";
  return path.endsWith("?import=1") ? "write" : "read";
}

/** The one action of a stage; off, with the reason, where the viewer's role does not open it. */
function MapAction(props: { scope: Scope; label: string } & ({ to: string } | { onClick: () => void })) {
  const why = useWhyNot()(props.scope);
  if (why !== null)
    return (
      <button type="button" className="e-act" aria-disabled title={why} aria-label={`${props.label}. ${why}`}>
        {props.label}
      </button>
    );
  return "to" in props ? (
    <Link to={props.to} className="e-act">
      {props.label}
    </Link>
  ) : (
    <button type="button" className="e-act" onClick={props.onClick}>
      {props.label}
    </button>
  );
}

/** What a stage says below its number. */
function StageWords(props: { stage: Stage; hasTrainer: boolean; onAddTrainer: () => void }) {
  const { stage } = props;
  const run = stage.running[0];
  if (run) return <StageRunLine run={run} />;
  const needsTrainer = stage.key === "customized" && !props.hasTrainer;
  const missing = stage.missing.filter((one) => !(needsTrainer && one === "a trainer"));
  return (
    <>
      <p title={said(stage.summary)}>
        {missing.length > 0 && stage.count === 0
          ? t("Needs {{what}}", { what: missing.map(said).join(", ") })
          : needsTrainer && stage.count === 0
            ? t("Needs a trainer")
            : said(stage.summary)}
      </p>
      {needsTrainer ? (
        <MapAction scope="trainer" label={t("Add a trainer")} onClick={props.onAddTrainer} />
      ) : stage.actionLabel && stage.actionPath ? (
        <MapAction
          scope={scopeOfPath(stage.actionPath)}
          label={said(stage.actionLabel)}
          to={stage.actionPath}
        />
      ) : null}
    </>
  );
}

/** `stage` is null while the map is read, undefined where this version has no such stage yet. */
export function StageCard(props: {
  stageKey: StageKey;
  stage: Stage | null | undefined;
  box: Box | undefined;
  isNext: boolean;
  hasTrainer: boolean;
  onAddTrainer: () => void;
  /** Id of the sentences about what leads here. */
  describedBy?: string;
}) {
  const { stage, box, stageKey } = props;
  const Icon = icons[stageKey];
  const run = stage?.running[0];
  const style: CSSProperties = box ? { left: box.x, top: box.y, width: box.width, height: box.height } : {};
  const pill = run
    ? {
        tone: "amber",
        words: run.kind === "TRAIN" && run.status !== "QUEUED" ? t("training") : statusWord(run.status),
      }
    : props.isNext
      ? { tone: "leaf", words: t("next") }
      : null;
  return (
    <li
      className="e-stage"
      style={style}
      data-stage={stageKey}
      {...(box && isSlim(box) ? { "data-slim": "" } : {})}
      {...(run ? { "data-running": "" } : {})}
      {...(props.isNext && !run ? { "data-next": "" } : {})}
      {...(stage === undefined ? { "data-later": "" } : {})}
      {...(stage && !stage.available ? { "data-off": "" } : {})}
      {...(stage && stage.count === 0 && stageKey !== "chat" ? { "data-empty": "" } : {})}
    >
      <header>
        <span className="e-stage-icon" aria-hidden>
          <Icon size={16} stroke={1.75} />
        </span>
        {stage === undefined ? (
          <span className="e-stage-name">{stageTitle(stageKey)}</span>
        ) : (
          <Link to={stageHome(stageKey)} className="e-stage-name" aria-describedby={props.describedBy}>
            {stageTitle(stageKey)}
          </Link>
        )}
        {pill ? (
          <span className="e-pill" data-tone={pill.tone}>
            {pill.words}
          </span>
        ) : null}
      </header>
      {stage === undefined ? (
        <p>{t("Not in this version")}</p>
      ) : stage === null ? (
        <>
          <Skeleton height={24} width={36} mt={10} radius={6} />
          <Skeleton height={10} width="70%" mt={12} radius={4} />
        </>
      ) : (
        <>
          {run ? null : <div className="e-count">{stage.count}</div>}
          <StageWords stage={stage} hasTrainer={props.hasTrainer} onAddTrainer={props.onAddTrainer} />
        </>
      )}
    </li>
  );
}
