// The process map, the face of the product: the lifecycle as a live graph from one query, with the next action lit.
import { Button, Skeleton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconArrowRight } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useWhyNot } from "../accounts/viewer.tsx";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { Mark } from "../shell/mark.tsx";
import { AddTrainer, isOnline } from "../trainers/add-trainer.tsx";
import { Page } from "../ui/page.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { Graph } from "./graph.tsx";
import { mapQuery } from "./queries.ts";
import { type MapData, scopeOfPath } from "./stage-card.tsx";

/** The stage that the next action belongs to: the one whose own action leads to the same page, or the same folder. */
export function stageOfNext(
  next: { path: string },
  stages: readonly { key: string; actionPath: string | null }[],
): string | null {
  const folder = (path: string): string => path.split(/[/?]/)[1] ?? "";
  const exact = stages.find(({ actionPath }) => actionPath === next.path);
  const near = stages.findLast(({ actionPath }) => actionPath && folder(actionPath) === folder(next.path));
  return (exact ?? near)?.key ?? null;
}

function TrainerLine(props: { map: MapData; onAdd: () => void }) {
  const { trainers } = props.map;
  const online = trainers.filter(isOnline);
  const first = online[0];
  if (!first)
    return (
      <button type="button" className="e-trainer-line" onClick={props.onAdd}>
        <span className="e-dot" data-tone="off" aria-hidden />
        {t("No trainer")} <span className="e-link">{t("Add one")}</span>
      </button>
    );
  const busy = online.filter((trainer) => trainer.runId).length;
  const silent = online.filter(({ status }) => status === "silent").length;
  return (
    <Link to="/trainers" className="e-trainer-line">
      <span className="e-dot" data-tone={busy > 0 || silent > 0 ? "amber" : "leaf"} aria-hidden />
      {online.length === 1
        ? t("Trainer on {{host}}", { host: first.host })
        : t("{{n}} trainers", { n: online.length })}
      {", "}
      {silent > 0
        ? silent === online.length
          ? t("not heard from")
          : t("{{silent}} of {{all}} not heard from", { silent, all: online.length })
        : busy > 0
          ? t("{{busy}} of {{all}} busy", { busy, all: online.length })
          : t("idle")}
    </Link>
  );
}

const legend: [string, Record<string, string>][] = [
  [t("required first"), { "data-kind": "required" }],
  [t("helpful, not needed"), { "data-kind": "optional" }],
  [t("makes a new model state"), { "data-kind": "state" }],
  [t("running now"), { "data-running": "" }],
];

function Legend() {
  return (
    <div className="e-legend">
      {legend.map(([words, flags]) => (
        <span key={words}>
          <svg aria-hidden="true" {...flags} className="e-edge-group">
            <path className="e-edge" d="M0,4 H30" {...flags} />
          </svg>
          {words}
        </span>
      ))}
    </div>
  );
}

function Next(props: { map: MapData | undefined }) {
  const next = props.map?.next;
  const why = useWhyNot()(next ? scopeOfPath(next.path) : "read");
  return (
    <section className="e-surface e-next" aria-label={t("Next")} aria-busy={!next}>
      <span className="e-next-mark" aria-hidden>
        <Mark size={22} />
      </span>
      {next ? (
        <>
          <p className="e-next-words">
            <strong>{said(next.sentence)}</strong> <span className="e-muted">{said(next.detail)}</span>
          </p>
          {why === null ? (
            <Button component={Link} to={next.path} rightSection={<IconArrowRight size={16} aria-hidden />}>
              {said(next.label)}
            </Button>
          ) : (
            <span className="e-muted">{why}</span>
          )}
        </>
      ) : (
        <p className="e-next-words">
          <Skeleton height={14} width={320} maw="60vw" />
        </p>
      )}
    </section>
  );
}

export function MapPage() {
  const reading = useData(mapQuery, {});
  const [isAdding, adding] = useDisclosure(false);
  const map = reading.data?.processMap;
  return (
    <Page
      title={t("Process map")}
      sentence={t("From a base model and a dataset to a model your team can use; every stage is a link.")}
      action={map ? <TrainerLine map={map} onAdd={adding.open} /> : null}
    >
      {reading.problem && !map ? (
        <ProblemNotice problem={reading.problem} onRetry={reading.reload} />
      ) : (
        <>
          <Next map={map} />
          <Graph
            stages={map?.stages ?? null}
            nextStage={map ? stageOfNext(map.next, map.stages) : null}
            hasTrainer={map ? map.trainerHint === null : true}
            onAddTrainer={adding.open}
          />
          <Legend />
        </>
      )}
      <AddTrainer isOpen={isAdding} onClose={adding.close} />
    </Page>
  );
}
