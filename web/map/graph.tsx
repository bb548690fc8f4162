// The lifecycle as a graph: edges drawn beneath the stage cards; folded into a list along one stem when narrow.
import { type MouseEvent, useMemo, useState } from "react";
import { t } from "../i18n.ts";
import { useWidth } from "../ui/use-width.ts";
import { type Box, canvasHeight, drawEdges, type Edge, placeStages } from "./layout.ts";
import { type Stage, StageCard } from "./stage-card.tsx";
import { edgeWord, stageOrder } from "./words.ts";

const foldsBelow = 860;

type EdgeState = { isOff: boolean; isFaint: boolean; isRunning: boolean; isLit: boolean };
/** Names the sentences for the stage that they are about; there is one map on its page. */
const reasonsId = "e-map-reasons";

/** About what a letter of a label takes. */
const letterWidth = 6.5;
/** From the label above an edge to the rest of it below. */
const overEdge = 28;

/** A label; one that is too long for its room is broken at its soft hyphen, over and under the edge. */
function linesOf({ label, labelAt, labelRoom }: Edge): { text: string; x: number; y: number }[] {
  if (!label || !labelAt) return [];
  const [first = "", ...rest] = label.split("\u00ad");
  const whole = [first, ...rest].join("");
  if (rest.length === 0 || whole.length * letterWidth <= (labelRoom ?? Number.POSITIVE_INFINITY))
    return [{ text: whole, ...labelAt }];
  return [
    { text: `${first}-`, ...labelAt },
    { text: rest.join(""), x: labelAt.x, y: labelAt.y + overEdge },
  ];
}

function EdgeLine(props: { edge: Edge; state: EdgeState; onPoint: (event: MouseEvent | null) => void }) {
  const { edge, state } = props;
  const marker = state.isRunning ? "amber" : edge.kind === "state" ? "blue" : "grey";
  const flags = {
    ...(state.isOff ? { "data-off": "" } : {}),
    ...(state.isFaint ? { "data-faint": "" } : {}),
    ...(state.isRunning ? { "data-running": "" } : {}),
    ...(state.isLit ? { "data-lit": "" } : {}),
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the picture of the graph is hidden from assistive technology; the cards say the same
    <g
      className="e-edge-group"
      {...flags}
      onMouseMove={props.onPoint}
      onMouseLeave={() => props.onPoint(null)}
    >
      <path className="e-edge" d={edge.path} markerEnd={`url(#e-arrow-${marker})`} data-kind={edge.kind} />
      <path className="e-edge-hit" d={edge.path} />
      {linesOf(edge).map(({ text, x, y }) => (
        <text key={text} className="e-edge-label" x={x} y={y}>
          {text}
        </text>
      ))}
    </g>
  );
}

function Arrow(props: { id: string; color: string }) {
  return (
    <marker
      id={`e-arrow-${props.id}`}
      viewBox="0 0 10 10"
      refX="8.5"
      refY="5"
      markerWidth="9"
      markerHeight="9"
      markerUnits="userSpaceOnUse"
      orient="auto"
    >
      <path
        d="M2,1.5 L8.5,5 L2,8.5"
        fill="none"
        stroke={props.color}
        strokeWidth="1.7"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </marker>
  );
}

/** The first edges of a bundle, each bundle over the one before it, what is faint beneath what is strong. */
function byBundle(edges: Edge[], stateOf: (edge: Edge) => EdgeState): Edge[][] {
  const bundles = Map.groupBy(edges, (edge) => edge.bundle);
  const weight = (edge: Edge) => {
    const state = stateOf(edge);
    return (state.isOff ? 0 : state.isFaint ? 1 : 2) + (state.isRunning ? 1 : 0);
  };
  return [...bundles.values()].map((bundle) => [...bundle].sort((a, b) => weight(a) - weight(b)));
}

function Edges(props: {
  edges: Edge[];
  stages: Map<string, Stage>;
  width: number;
  isLoading: boolean;
  hasTrainer: boolean;
  /** The stage that the keyboard is at: the edges that lead to it say why, as they do to a pointer. */
  at: { key: string; box: Box } | null;
}) {
  const { edges, stages, at } = props;
  const [hint, setHint] = useState<{ x: number; y: number; text: string } | null>(null);
  const runningKinds = new Set<string>(
    [...stages.values()].flatMap(({ running }) => running.map(({ kind }) => kind)),
  );
  const isMissing = (key: string) => !props.isLoading && !stages.has(key);
  const isClosed = (key: string) => stages.get(key)?.available === false;
  const isEmpty = (key: string) => (stages.get(key)?.count ?? 0) === 0;
  const stateOf = (edge: Edge): EdgeState => ({
    isOff:
      isMissing(edge.from) ||
      isMissing(edge.to) ||
      isClosed(edge.to) ||
      (!props.hasTrainer && (edge.runKind === "TRAIN" || edge.via === "customized")),
    isFaint: isEmpty(edge.from),
    isRunning: edge.runKind !== undefined && runningKinds.has(edge.runKind),
    isLit: edge.to === at?.key,
  });
  const reasons = edges.filter((edge) => edge.to === at?.key);
  const point = (edge: Edge) => (event: MouseEvent | null) => {
    const frame = event?.currentTarget.closest("nav")?.getBoundingClientRect();
    setHint(
      event && frame ? { x: event.clientX - frame.left, y: event.clientY - frame.top, text: edge.why } : null,
    );
  };
  return (
    <>
      <svg width={props.width} height={canvasHeight} aria-hidden="true">
        <defs>
          <Arrow id="blue" color="var(--e-blue)" />
          <Arrow id="grey" color="var(--e-edge)" />
          <Arrow id="amber" color="var(--e-amber)" />
        </defs>
        {byBundle(edges, stateOf).map((bundle) => (
          <g key={bundle[0]?.bundle}>
            {bundle.map((edge) => (
              <path key={edge.id} className="e-edge-halo" d={edge.path} />
            ))}
            {bundle.map((edge) => (
              <EdgeLine key={edge.id} edge={edge} state={stateOf(edge)} onPoint={point(edge)} />
            ))}
          </g>
        ))}
      </svg>
      {hint ? (
        <div
          className="e-edge-hint"
          style={{ left: Math.min(hint.x + 14, props.width - 260), top: hint.y + 16 }}
          aria-hidden
        >
          {hint.text}
        </div>
      ) : null}
      {at && reasons.length > 0 ? (
        <ul
          id={reasonsId}
          className="e-edge-hint"
          style={{ left: Math.min(at.box.x, props.width - 260), top: at.box.y + at.box.height + 8 }}
        >
          {reasons.map(({ id, why }) => (
            <li key={id}>{why}</li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

/** The stage whose link the keyboard is at; null where a pointer put the focus. */
const stageAt = (target: Element): string | null =>
  target.matches(".e-stage-name:focus-visible")
    ? (target.closest("[data-stage]")?.getAttribute("data-stage") ?? null)
    : null;

/** `stages` is null while they are read: the same drawing, without its numbers. */
export function Graph(props: {
  stages: readonly Stage[] | null;
  nextStage: string | null;
  hasTrainer: boolean;
  onAddTrainer: () => void;
}) {
  const [ref, width] = useWidth();
  const isWide = width >= foldsBelow;
  const byKey = useMemo(
    () => new Map((props.stages ?? []).map((stage) => [stage.key, stage])),
    [props.stages],
  );
  const boxes = useMemo(() => placeStages(Math.max(foldsBelow, width)), [width]);
  const edges = useMemo(() => drawEdges(boxes, edgeWord), [boxes]);
  const [at, setAt] = useState<string | null>(null);
  const atBox = at === null ? undefined : boxes[at];
  return (
    <nav
      ref={ref}
      className="e-map"
      aria-label={t("Lifecycle")}
      aria-busy={props.stages === null}
      style={isWide ? { height: canvasHeight } : {}}
      {...(isWide ? { "data-wide": "" } : {})}
    >
      {isWide ? (
        <Edges
          edges={edges}
          stages={byKey}
          width={width}
          isLoading={props.stages === null}
          hasTrainer={props.hasTrainer}
          at={at !== null && atBox ? { key: at, box: atBox } : null}
        />
      ) : null}
      <ol onFocus={(event) => setAt(stageAt(event.target))} onBlur={() => setAt(null)}>
        {stageOrder.map((key) => (
          <StageCard
            key={key}
            stageKey={key}
            stage={props.stages === null ? null : byKey.get(key)}
            box={isWide ? boxes[key] : undefined}
            isNext={props.nextStage === key}
            hasTrainer={props.hasTrainer}
            onAddTrainer={props.onAddTrainer}
            {...(isWide && at === key ? { describedBy: reasonsId } : {})}
          />
        ))}
      </ol>
    </nav>
  );
}
