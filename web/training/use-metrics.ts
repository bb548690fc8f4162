// The metrics of one training: what is stored, then each new point as the trainer reports it.
import { useEffect, useMemo, useState } from "react";
import { z } from "zod";
import { follow } from "../api/data.ts";
import { runEvents } from "./queries.ts";

export type MetricPoint = {
  step: number;
  loss: number | null;
  evalLoss: number | null;
  learningRate: number | null;
  gradNorm: number | null;
  tokensPerSecond: number | null;
  memoryBytes: number | null;
};

const value = z
  .number()
  .nullish()
  .transform((number) => number ?? null);
const metricData = z.looseObject({
  step: z.number(),
  loss: value,
  evalLoss: value,
  learningRate: value,
  gradNorm: value,
  tokensPerSecond: value,
  memoryBytes: value,
});

/** Merges two reports of one step: a later value wins, a missing one leaves the earlier. */
export function mergePoint(old: MetricPoint | undefined, next: MetricPoint): MetricPoint {
  if (!old) return next;
  return {
    step: next.step,
    loss: next.loss ?? old.loss,
    evalLoss: next.evalLoss ?? old.evalLoss,
    learningRate: next.learningRate ?? old.learningRate,
    gradNorm: next.gradNorm ?? old.gradNorm,
    tokensPerSecond: next.tokensPerSecond ?? old.tokensPerSecond,
    memoryBytes: next.memoryBytes ?? old.memoryBytes,
  };
}

/** Points by step, oldest first, and the number of events that arrived live (for reading the log again). */
export function useMetrics(
  runId: string,
  isRunning: boolean,
  stored: MetricPoint[],
): { points: MetricPoint[]; liveEvents: number } {
  const [live, setLive] = useState<MetricPoint[]>([]);
  const [liveEvents, setLiveEvents] = useState(0);
  useEffect(() => {
    if (!isRunning) return;
    return follow(runEvents, { runId, after: 0 }, ({ runEvents: event }) => {
      setLiveEvents((seen) => seen + 1);
      if (event.type !== "metrics") return;
      const point = metricData.safeParse(event.data);
      if (point.success) setLive((old) => [...old, point.data]);
    });
  }, [runId, isRunning]);
  const points = useMemo(() => {
    const byStep = new Map<number, MetricPoint>();
    for (const point of [...stored, ...live])
      byStep.set(point.step, mergePoint(byStep.get(point.step), point));
    return [...byStep.values()].sort((a, b) => a.step - b.step);
  }, [stored, live]);
  return { points, liveEvents };
}
