// Where the stages of the process map stand and how the edges between them run, computed from the width at hand.

export type Box = { x: number; y: number; width: number; height: number };
export type EdgeKind = "state" | "required" | "optional";
export type Edge = {
  id: string;
  from: string;
  to: string;
  kind: EdgeKind;
  label?: string;
  /** The sentence shown on hover. */
  why: string;
  /** Run kind that moves along this edge. */
  runKind?: string;
  /** Another stage without which the edge cannot be walked. */
  via?: string;
  path: string;
  labelAt?: { x: number; y: number };
};

export const nodeHeight = 124;
const rowTwo = 320;
const rowThree = 492;
const rowOne = 136;

/** Boxes of all stages for a canvas `width` pixels wide (≥ 860). */
export function placeStages(width: number): Record<string, Box> {
  const gap = Math.max(48, Math.min(120, width * 0.06));
  const nodeWidth = (width - gap * 4) / 5;
  const column = (index: number) => index * (nodeWidth + gap);
  const box = (x: number, y: number, wide = nodeWidth, height = nodeHeight): Box => ({
    x,
    y,
    width: wide,
    height,
  });
  return {
    base: box(column(0), rowOne),
    customized: box(column(1), rowOne),
    complete: box(column(2), rowOne),
    live: box(column(3), rowOne),
    registered: box(column(4), rowOne),
    datasets: box(column(0), rowTwo),
    assessment: box(column(1) + nodeWidth * 0.5, rowThree, nodeWidth, 96),
    chat: box(column(2) + nodeWidth * 0.75, rowThree - 20, nodeWidth * 1.15),
    knowledge: box(column(4), rowTwo + 4, nodeWidth, 96),
    thirdParty: box(column(4), rowThree, nodeWidth, 96),
  };
}

const right = (box: Box, share = 0.5) => ({ x: box.x + box.width, y: box.y + box.height * share });
const left = (box: Box, share = 0.5) => ({ x: box.x, y: box.y + box.height * share });
const top = (box: Box, share = 0.5) => ({ x: box.x + box.width * share, y: box.y });
const bottom = (box: Box, share = 0.5) => ({ x: box.x + box.width * share, y: box.y + box.height });

type Point = { x: number; y: number };
const straight = (a: Point, b: Point) => `M${a.x},${a.y} L${b.x - 2},${b.y}`;
const across = (a: Point, b: Point) => {
  const pull = Math.max(24, Math.abs(b.x - a.x) / 2);
  return `M${a.x},${a.y} C${a.x + pull},${a.y} ${b.x - pull},${b.y} ${b.x - 2},${b.y}`;
};
const down = (a: Point, b: Point) => {
  const pull = Math.max(40, Math.abs(b.y - a.y) * 0.55);
  return `M${a.x},${a.y} C${a.x},${a.y + pull} ${b.x},${b.y - pull} ${b.x},${b.y - 2}`;
};
/** An arch over the first row whose crown is `height` above it. */
const arch = (a: Point, b: Point, height: number) => {
  const crown = a.y - height;
  const reach = Math.min(140, (b.x - a.x) / 2.4);
  return (
    `M${a.x},${a.y} C${a.x},${crown + 6} ${a.x + reach * 0.7},${crown} ${a.x + reach * 1.2},${crown} ` +
    `L${b.x - reach * 1.2},${crown} C${b.x - reach * 0.7},${crown} ${b.x},${crown + 6} ${b.x},${b.y - 2}`
  );
};
const middle = (a: Point, b: Point, lift: number): Point => ({
  x: (a.x + b.x) / 2,
  y: Math.min(a.y, b.y) - lift,
});

/** Every edge of the lifecycle with its path; `words` gives the translated labels and reasons. */
export function drawEdges(boxes: Record<string, Box>, words: (key: string) => string): Edge[] {
  const at = (key: string): Box => boxes[key] ?? { x: 0, y: 0, width: 0, height: 0 };
  const edges: Edge[] = [];
  const add = (
    from: string,
    to: string,
    kind: EdgeKind,
    key: string,
    path: string,
    more: Partial<Edge> = {},
  ) => edges.push({ id: `${from}-${to}-${key}`, from, to, kind, why: words(`${key}.why`), path, ...more });

  const flat = (from: string, to: string, key: string, runKind?: string) => {
    const [a, b] = [right(at(from)), left(at(to))];
    add(from, to, "state", key, straight(a, b), {
      label: words(key),
      labelAt: middle(a, b, 12),
      ...(runKind ? { runKind } : {}),
    });
  };
  flat("base", "customized", "train", "TRAIN");
  flat("customized", "complete", "save", "MERGE");
  flat("complete", "live", "deploy", "DEPLOY");
  flat("live", "registered", "register");

  const over = (
    from: string,
    to: string,
    key: string,
    fromShare: number,
    toShare: number,
    height: number,
  ) => {
    const [a, b] = [top(at(from), fromShare), top(at(to), toShare)];
    add(from, to, "state", key, arch(a, b, height), {
      label: words(key),
      labelAt: { x: a.x + (b.x - a.x) * (key === "deployCustomized" ? 0.74 : 0.5), y: a.y - height + 4 },
      ...(key === "trainSave" ? { via: "customized" } : {}),
    });
  };
  over("base", "live", "deployBase", 0.36, 0.58, 104);
  over("base", "complete", "trainSave", 0.54, 0.46, 66);
  over("customized", "live", "deployCustomized", 0.5, 0.38, 32);

  add(
    "datasets",
    "customized",
    "required",
    "datasetTrain",
    across(right(at("datasets")), left(at("customized"), 0.84)),
    {
      runKind: "TRAIN",
    },
  );
  add(
    "customized",
    "chat",
    "required",
    "chatCustomized",
    down(bottom(at("customized"), 0.66), top(at("chat"), 0.2)),
  );
  add(
    "complete",
    "chat",
    "required",
    "chatComplete",
    down(bottom(at("complete"), 0.5), top(at("chat"), 0.38)),
  );
  add("live", "chat", "required", "chatLive", down(bottom(at("live"), 0.4), top(at("chat"), 0.56)));
  add(
    "registered",
    "chat",
    "required",
    "chatRegistered",
    down(bottom(at("registered"), 0.16), top(at("chat"), 0.74)),
  );
  add(
    "datasets",
    "assessment",
    "required",
    "assessDataset",
    across(bottom(at("datasets"), 0.5), left(at("assessment"))),
  );
  add(
    "customized",
    "assessment",
    "required",
    "assessModel",
    down(bottom(at("customized"), 0.48), top(at("assessment"), 0.4)),
  );
  const passage = (from: string, key: string, share: number) => {
    const [a, b] = [left(at(from)), right(at("chat"), share)];
    add(
      from,
      "chat",
      "optional",
      key,
      `M${a.x},${a.y} C${a.x - 50},${a.y} ${b.x + 50},${b.y} ${b.x + 2},${b.y}`,
    );
  };
  passage("knowledge", "chatKnowledge", 0.3);
  passage("thirdParty", "chatThirdParty", 0.62);
  return edges;
}

export const canvasHeight = rowThree + nodeHeight + 24;
