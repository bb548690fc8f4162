// Where the stages of the process map stand and how the edges between them run, computed from the width at hand:
// a tree trained along a trellis, so edges run level or upright and turn in round corners.

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
  /** Edges of one bundle share a way; a later bundle passes over an earlier one. */
  bundle: string;
  path: string;
  labelAt?: Point;
  /** Where the label has no more room than this, it may stand on both sides of its line. */
  labelRoom?: number;
};
type Point = { x: number; y: number };

const cardHeight = 138;
const slimHeight = 98;
const tiers = { deployBase: 14, trainSave: 48, deployCustomized: 82 } as const;
const rowOne = 120;
const rowTwo = 340;
const chatRow = 398;
/** The branch that leads from every model state to the chat. */
const branch = 299;
const slimRow = 486;
/** Where helpers reach the assessment: level, below the chat. */
const underChat = slimRow + 78;

export const canvasHeight = slimRow + slimHeight + 4;

/** Whether a card has room for its number only beside its words. */
export const isSlim = (box: Box): boolean => box.height === slimHeight;

/** Boxes of all stages for a canvas `width` pixels wide (≥ 860). */
export function placeStages(width: number): Record<string, Box> {
  const gap = Math.max(46, Math.min(120, width * 0.062));
  const nodeWidth = (width - gap * 4) / 5;
  const column = (index: number) => index * (nodeWidth + gap);
  const box = (x: number, y: number, height = cardHeight, wide = nodeWidth): Box => ({
    x,
    y,
    width: wide,
    height,
  });
  const chatWidth = nodeWidth + gap;
  const helper = (y: number): Box => box(column(4) - gap / 2, y, slimHeight, nodeWidth + gap / 2);
  return {
    base: box(column(0), rowOne),
    customized: box(column(1), rowOne),
    complete: box(column(2), rowOne),
    live: box(column(3), rowOne),
    registered: box(column(4), rowOne),
    datasets: box(column(0), rowTwo),
    assessment: box(column(1), slimRow, slimHeight),
    chat: box(column(2) - gap / 2, chatRow, cardHeight, chatWidth),
    knowledge: helper(rowTwo + 26),
    thirdParty: helper(slimRow),
  };
}

const right = (box: Box, share = 0.5): Point => ({ x: box.x + box.width, y: box.y + box.height * share });
const left = (box: Box, share = 0.5): Point => ({ x: box.x, y: box.y + box.height * share });
const top = (box: Box, share = 0.5): Point => ({ x: box.x + box.width * share, y: box.y });
const bottom = (box: Box, share = 0.5): Point => ({ x: box.x + box.width * share, y: box.y + box.height });

const radius = 16;
/** An arrow ends this far before its card, so that its point does not touch the border. */
const clearance = 3;

/** A line through the points whose corners are round. */
export function route(points: Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x},${first.y}`;
  let at = first;
  rest.forEach((corner, index) => {
    const after = rest[index + 1];
    if (!after) {
      path += ` L${corner.x},${corner.y}`;
      return;
    }
    const before = Math.hypot(corner.x - at.x, corner.y - at.y);
    const beyond = Math.hypot(after.x - corner.x, after.y - corner.y);
    const turn = Math.min(radius, before / 2, beyond / 2);
    const towards = (target: Point, length: number): Point =>
      length === 0
        ? corner
        : {
            x: corner.x + ((target.x - corner.x) * turn) / length,
            y: corner.y + ((target.y - corner.y) * turn) / length,
          };
    const [start, end] = [towards(at, before), towards(after, beyond)];
    path += ` L${start.x},${start.y} Q${corner.x},${corner.y} ${end.x},${end.y}`;
    at = corner;
  });
  return path;
}

/** Every edge of the lifecycle with its path; `words` gives the translated labels and reasons. */
export function drawEdges(boxes: Record<string, Box>, words: (key: string) => string): Edge[] {
  const at = (key: string): Box => boxes[key] ?? { x: 0, y: 0, width: 0, height: 0 };
  const edge = (
    from: string,
    to: string,
    kind: EdgeKind,
    key: string,
    bundle: string,
    points: Point[],
    more: Partial<Edge> = {},
  ): Edge => ({ id: key, from, to, kind, bundle, why: words(`${key}.why`), path: route(points), ...more });

  /** Along the first row, from one state to the next. */
  const onward = (from: string, to: string, key: string, runKind?: string): Edge => {
    const [a, b] = [right(at(from), 0.42), left(at(to), 0.42)];
    return edge(from, to, "state", key, "row", [a, { x: b.x - clearance, y: b.y }], {
      label: words(key),
      labelAt: { x: (a.x + b.x) / 2, y: a.y - 10 },
      labelRoom: b.x - a.x - 8,
      ...(runKind ? { runKind } : {}),
    });
  };
  /** Over the first row along a tier of the trellis. */
  const over = (
    from: string,
    to: string,
    key: keyof typeof tiers,
    shares: [from: number, to: number, label: number],
  ): Edge => {
    const [a, b] = [top(at(from), shares[0]), top(at(to), shares[1])];
    const y = tiers[key];
    return edge(
      from,
      to,
      "state",
      key,
      key,
      [a, { x: a.x, y }, { x: b.x, y }, { x: b.x, y: b.y - clearance }],
      {
        label: words(key),
        labelAt: { x: a.x + (b.x - a.x) * shares[2], y: y + 4 },
        ...(key === "trainSave" ? { via: "customized" } : {}),
      },
    );
  };
  /** Down to the branch, along it to the trunk, and into the chat. */
  const toChat = (from: string, key: string): Edge => {
    const [a, b] = [bottom(at(from), from === "customized" ? 0.62 : 0.5), top(at("chat"))];
    const end = { x: b.x, y: b.y - clearance };
    const points =
      Math.abs(a.x - b.x) < 1 ? [a, end] : [a, { x: a.x, y: branch }, { x: b.x, y: branch }, end];
    return edge(from, "chat", "required", key, "chat", points);
  };
  /** From a helper at the right into the chat's side. */
  const toSide = (from: string, key: string, share: number): Edge => {
    const [a, b] = [left(at(from)), right(at("chat"), share)];
    const x = a.x - Math.min(60, (a.x - b.x) / 2);
    return edge(from, "chat", "optional", key, "side", [
      a,
      { x, y: a.y },
      { x, y: b.y },
      { x: b.x + clearance, y: b.y },
    ]);
  };
  /** From a helper at the right, under the chat, to the assessment. */
  const toAssessment = (from: string, key: string): Edge => {
    const [a, b] = [left(at(from), 0.8), right(at("assessment"))];
    const x = a.x - 14;
    return edge(from, "assessment", "optional", key, "under", [
      a,
      { x, y: a.y },
      { x, y: underChat },
      { x: b.x + clearance, y: underChat },
    ]);
  };
  const feed = (): Edge => {
    const [a, b] = [right(at("datasets"), 0.42), left(at("customized"), 0.78)];
    const x = (a.x + b.x) / 2;
    return edge(
      "datasets",
      "customized",
      "required",
      "datasetTrain",
      "feed",
      [a, { x, y: a.y }, { x, y: b.y }, { x: b.x - clearance, y: b.y }],
      { runKind: "TRAIN" },
    );
  };
  const dataToAssessment = (): Edge => {
    const [a, b] = [bottom(at("datasets")), left(at("assessment"))];
    return edge("datasets", "assessment", "required", "assessDataset", "assess", [
      a,
      { x: a.x, y: b.y },
      { x: b.x - clearance, y: b.y },
    ]);
  };
  const modelToAssessment = (): Edge => {
    const [a, b] = [bottom(at("customized"), 0.3), top(at("assessment"), 0.3)];
    return edge("customized", "assessment", "required", "assessModel", "assess", [
      a,
      { x: b.x, y: b.y - clearance },
    ]);
  };
  return [
    toChat("base", "chatBase"),
    toChat("registered", "chatRegistered"),
    toChat("customized", "chatCustomized"),
    toChat("live", "chatLive"),
    toChat("complete", "chatComplete"),
    toSide("knowledge", "chatKnowledge", 0.36),
    toSide("thirdParty", "chatThirdParty", 0.72),
    toAssessment("knowledge", "assessKnowledge"),
    toAssessment("thirdParty", "assessThirdParty"),
    dataToAssessment(),
    modelToAssessment(),
    feed(),
    over("customized", "live", "deployCustomized", [0.5, 0.36, 0.76]),
    over("base", "complete", "trainSave", [0.62, 0.5, 0.5]),
    over("base", "live", "deployBase", [0.38, 0.64, 0.5]),
    onward("base", "customized", "train", "TRAIN"),
    onward("customized", "complete", "save", "MERGE"),
    onward("complete", "live", "deploy", "DEPLOY"),
    onward("live", "registered", "register"),
  ];
}
