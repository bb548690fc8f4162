// The process map, the face of the product: the lifecycle as a live graph from one query, with the next action lit.
import { Button, Skeleton } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import type { ResultOf } from "gql.tada";
import { type CSSProperties, useMemo } from "react";
import { useData } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { useLiveRun } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { duration } from "../ui/format.ts";
import { Page } from "../ui/page.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { Bar, statusWord } from "../ui/status.tsx";
import { type Box, canvasHeight, drawEdges, type Edge, placeStages } from "./layout.ts";
import { edgeWord, stageHome, stageOrder, stageTitle } from "./words.ts";

const mapQuery = graphql(`
  query ProcessMap {
    processMap {
      project trainerHint
      next { sentence detail label path }
      trainers { id name host status runId }
      stages {
        key count summary available reason actionLabel actionPath missing
        running { id kind name status progress step totalSteps etaSeconds }
      }
    }
  }
`);

type MapData = ResultOf<typeof mapQuery>["processMap"];
type Stage = MapData["stages"][number];
type StageRun = Stage["running"][number];

/** What this version does not have yet, said so rather than hidden. */
function laterStage(key: string): Stage {
  return {
    key,
    count: 0,
    summary: t("Not in this version yet"),
    available: false,
    reason: t("Not in this version yet"),
    actionLabel: null,
    actionPath: null,
    missing: [],
    running: [],
  };
}

function StageRunLine(props: { run: StageRun }) {
  const run = useLiveRun(props.run);
  const steps =
    run.step !== null && run.totalSteps
      ? t("step {{step}} of {{total}}", { step: run.step, total: run.totalSteps })
      : "";
  return (
    <>
      <p>
        {[
          run.name,
          steps,
          run.etaSeconds !== null ? t("{{left}} left", { left: duration(run.etaSeconds) }) : "",
        ]
          .filter(Boolean)
          .join(", ")}
      </p>
      <Bar
        share={run.status === "QUEUED" ? 0 : run.progress}
        label={t("Progress of {{name}}", { name: run.name })}
      />
    </>
  );
}

function StageCard(props: { stage: Stage; box?: Box }) {
  const { stage, box } = props;
  const run = stage.running[0];
  const isLater = stage.reason === t("Not in this version yet");
  const style: CSSProperties = box ? { left: box.x, top: box.y, width: box.width, height: box.height } : {};
  return (
    <li
      className="e-stage"
      style={style}
      title={stage.reason ?? undefined}
      {...(run ? { "data-running": "" } : {})}
      {...(stage.available ? {} : { "data-off": "" })}
      {...(stage.count === 0 && stage.key !== "chat" ? { "data-empty": "" } : {})}
    >
      <header>
        {isLater ? (
          <span>{stageTitle(stage.key)}</span>
        ) : (
          <Link to={stageHome(stage.key)}>{stageTitle(stage.key)}</Link>
        )}
        {run ? (
          <span className="e-pill" data-tone="amber">
            {run.status === "QUEUED"
              ? statusWord("QUEUED")
              : run.kind === "TRAIN"
                ? t("training")
                : statusWord("RUNNING")}
          </span>
        ) : null}
      </header>
      {isLater ? null : <div className="e-count">{stage.count}</div>}
      {run ? (
        <StageRunLine run={run} />
      ) : stage.missing.length > 0 && stage.available ? null : (
        <p>{stage.available ? stage.summary : (stage.reason ?? stage.summary)}</p>
      )}
      {!run && stage.missing.length > 0 && stage.available ? (
        <p>{t("Needs {{what}}", { what: stage.missing.join(", ") })}</p>
      ) : null}
      {!run && stage.actionLabel && stage.actionPath ? (
        <Link to={stage.actionPath} className="e-act">
          {stage.actionLabel}
        </Link>
      ) : null}
    </li>
  );
}

function EdgeLine(props: { edge: Edge; isOff: boolean; isRunning: boolean }) {
  const { edge } = props;
  const marker = props.isRunning ? "amber" : edge.kind === "state" ? "blue" : "grey";
  return (
    <g className="e-edge-group">
      <path
        className="e-edge"
        d={edge.path}
        markerEnd={`url(#e-arrow-${marker})`}
        data-kind={edge.kind}
        {...(props.isOff ? { "data-off": "" } : {})}
        {...(props.isRunning ? { "data-running": "" } : {})}
      />
      <path className="e-edge-hit" d={edge.path}>
        <title>{edge.why}</title>
      </path>
      {edge.label && edge.labelAt ? (
        <text
          className="e-edge-label"
          x={edge.labelAt.x}
          y={edge.labelAt.y}
          {...(props.isOff ? { opacity: 0.75 } : {})}
        >
          {edge.label}
        </text>
      ) : null}
    </g>
  );
}

function Arrow(props: { id: string; color: string }) {
  return (
    <marker
      id={`e-arrow-${props.id}`}
      viewBox="0 0 10 10"
      refX="9"
      refY="5"
      markerWidth="9"
      markerHeight="9"
      markerUnits="userSpaceOnUse"
      orient="auto"
    >
      <path d="M1,1 L9,5 L1,9" fill="none" stroke={props.color} strokeWidth="1.8" strokeLinecap="round" />
    </marker>
  );
}

function Graph(props: { stages: Stage[] }) {
  const { ref, width } = useElementSize();
  // Before the first measure the window decides, so that the page does not jump.
  const isWide = width === 0 ? window.innerWidth >= 1120 : width >= 860;
  const byKey = useMemo(() => new Map(props.stages.map((stage) => [stage.key, stage])), [props.stages]);
  const boxes = useMemo(() => placeStages(Math.max(860, width)), [width]);
  const edges = useMemo(() => drawEdges(boxes, edgeWord), [boxes]);
  const order = stageOrder.map((key) => byKey.get(key) ?? laterStage(key));
  const runningKinds = new Set(
    props.stages.flatMap((stage) => stage.running.map((run) => run.kind as string)),
  );
  const isOff = (key: string) => !(byKey.get(key)?.available ?? false);
  return (
    <nav
      ref={ref}
      className="e-map"
      aria-label={t("Lifecycle")}
      style={isWide ? { height: canvasHeight } : {}}
      {...(isWide ? { "data-wide": "" } : {})}
    >
      {isWide && width > 0 ? (
        <svg width={width} height={canvasHeight} aria-hidden="true">
          <defs>
            <Arrow id="blue" color="var(--e-blue)" />
            <Arrow id="grey" color="var(--e-edge)" />
            <Arrow id="amber" color="var(--e-amber)" />
          </defs>
          {edges.map((edge) => (
            <EdgeLine
              key={edge.id}
              edge={edge}
              isOff={isOff(edge.to) || isOff(edge.from) || (edge.via !== undefined && isOff(edge.via))}
              isRunning={edge.runKind !== undefined && runningKinds.has(edge.runKind)}
            />
          ))}
        </svg>
      ) : null}
      <ol>
        {order.map((stage) => {
          const box = isWide ? boxes[stage.key] : undefined;
          return <StageCard key={stage.key} stage={stage} {...(box ? { box } : {})} />;
        })}
      </ol>
    </nav>
  );
}

function TrainerLine(props: { map: MapData }) {
  const { trainers, trainerHint } = props.map;
  const online = trainers.filter((trainer) => trainer.status !== "offline");
  const first = online[0];
  if (!first)
    return (
      <Link to="/trainers" className="e-trainer-line" title={trainerHint ?? undefined}>
        <span className="e-dot" data-tone="off" aria-hidden />
        {t("No trainer: training is off. Add one")}
      </Link>
    );
  const busy = online.filter((trainer) => trainer.runId).length;
  return (
    <Link to="/trainers" className="e-trainer-line">
      <span className="e-dot" data-tone={busy > 0 ? "amber" : "leaf"} aria-hidden />
      {online.length === 1
        ? t("Trainer on {{host}}", { host: first.host })
        : t("{{n}} trainers", { n: online.length })}
      {", "}
      {busy > 0 ? t("{{busy}} of {{all}} busy", { busy, all: online.length }) : t("idle")}
    </Link>
  );
}

function Legend() {
  return (
    <div className="e-legend">
      <span>
        <svg aria-hidden="true">
          <path className="e-edge" d="M0,4 H30" data-kind="required" />
        </svg>
        {t("required first")}
      </span>
      <span>
        <svg aria-hidden="true">
          <path className="e-edge" d="M0,4 H30" data-kind="optional" />
        </svg>
        {t("helpful, not needed")}
      </span>
      <span>
        <svg aria-hidden="true">
          <path className="e-edge" d="M0,4 H30" data-kind="state" />
        </svg>
        {t("makes a new model state")}
      </span>
      <span>
        <svg aria-hidden="true">
          <path className="e-edge" d="M0,4 H30" data-running="" />
        </svg>
        {t("running now")}
      </span>
    </div>
  );
}

export function MapPage() {
  const reading = useData(mapQuery, {});
  const map = reading.data?.processMap;
  return (
    <Page
      title={t("Process map")}
      sentence={t("From a base model and a dataset to a model your team can use; every stage is a link.")}
      action={map ? <TrainerLine map={map} /> : null}
    >
      {reading.problem && !map ? <ProblemNotice problem={reading.problem} onRetry={reading.reload} /> : null}
      {map ? (
        <>
          <section className="e-surface e-next" aria-label={t("Next")}>
            <p className="e-next-words">
              <strong>{map.next.sentence}</strong> <span className="e-muted">{map.next.detail}</span>
            </p>
            <Button component={Link} to={map.next.path}>
              {map.next.label}
            </Button>
          </section>
          <Graph stages={map.stages} />
          <Legend />
        </>
      ) : reading.isLoading ? (
        <div aria-busy="true" role="status" aria-label={t("Loading")}>
          <Skeleton height={60} radius={12} mb={24} />
          <Skeleton height={124} radius={12} mb={24} />
          <Skeleton height={124} radius={12} width="40%" />
        </div>
      ) : null}
    </Page>
  );
}
