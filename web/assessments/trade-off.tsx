// What a score takes: each candidate as a point with its interval, against what a row costs or how long an answer takes.
import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { t } from "../i18n.ts";
import { roundUp } from "../ui/bars.tsx";
import { Surface } from "../ui/bits.tsx";
import { dollars, seconds } from "../ui/format.ts";
import { useWidth } from "../ui/use-width.ts";
import type { Assessment } from "./detail-page.tsx";
import { two } from "./figures.tsx";

type Point = { name: string; x: number; mean: number; low: number; high: number };
const HEIGHT = 240;
const LEFT = 40;
const FOOT = 28;
const TOP = 12;

function Scatter(props: { points: readonly Point[]; format: (value: number) => string; label: string }) {
  const { points, format } = props;
  const [ref, width] = useWidth();
  const most = roundUp(Math.max(...points.map(({ x }) => x)));
  const xOf = (value: number): number => LEFT + ((width - LEFT - 16) * value) / most;
  const yOf = (score: number): number => TOP + (HEIGHT - TOP - FOOT) * (1 - score);
  const spoken = points.map(({ name, mean, x }) =>
    t("{{name}}: {{score}} at {{x}}", { name, score: two(mean), x: format(x) }),
  );
  return (
    <figure className="e-bars">
      <div ref={ref} style={{ height: HEIGHT }}>
        <svg width={width} height={HEIGHT} role="img" aria-label={`${props.label}: ${spoken.join(", ")}`}>
          {[0, 0.5, 1].map((score) => (
            <g key={score}>
              <line x1={LEFT} x2={width} y1={yOf(score)} y2={yOf(score)} stroke="var(--e-line)" />
              <text x={LEFT - 8} y={yOf(score) + 4} textAnchor="end">
                {score}
              </text>
            </g>
          ))}
          {[0, most / 2, most].map((x, at) => (
            <text
              key={x}
              x={xOf(x)}
              y={HEIGHT - 8}
              textAnchor={at === 0 ? "start" : at === 1 ? "middle" : "end"}
            >
              {format(x)}
            </text>
          ))}
          {points.map(({ name, x, mean, low, high }, at) => {
            const isRight = xOf(x) > width / 2;
            return (
              <g key={name}>
                <line
                  x1={xOf(x)}
                  x2={xOf(x)}
                  y1={yOf(low)}
                  y2={yOf(high)}
                  stroke="var(--e-blue)"
                  strokeWidth={3}
                  opacity={0.45}
                />
                <circle cx={xOf(x)} cy={yOf(mean)} r={5} fill="var(--e-blue)" />
                <text
                  x={xOf(x) + (isRight ? -10 : 10)}
                  // Names of points that lie close are kept apart by turns above and below.
                  y={yOf(mean) + (at % 2 === 0 ? -6 : 14)}
                  textAnchor={isRight ? "end" : "start"}
                >
                  {name}
                </text>
              </g>
            );
          })}
        </svg>
      </div>
    </figure>
  );
}

/** Of three candidates and more; by cost where every one has a price. */
export function TradeOff(props: { assessment: Assessment }) {
  const { candidates } = props.assessment.report;
  const [wanted, setWanted] = useState<"cost" | "time">("cost");
  const pointsBy = (x: (one: (typeof candidates)[number]) => number | null): Point[] =>
    candidates.flatMap((one) => {
      const at = x(one);
      return at === null || one.interval === null
        ? []
        : [{ name: one.candidate.name, x: at, ...one.interval }];
    });
  const byCost = pointsBy(({ costUsd, answered }) =>
    costUsd === null ? null : costUsd / Math.max(1, answered),
  );
  const byTime = pointsBy(({ medianLatencyMs }) => medianLatencyMs);
  const hasCost = byCost.length === candidates.length && byCost.some(({ x }) => x > 0);
  if (candidates.length < 3 || byTime.length < 3) return null;
  const isCost = hasCost && wanted === "cost";
  return (
    <Surface
      title={t("What a score takes")}
      aside={
        hasCost ? (
          <SegmentedControl
            size="xs"
            aria-label={t("What a score takes")}
            value={wanted}
            onChange={(value) => setWanted(value === "time" ? "time" : "cost")}
            data={[
              { value: "cost", label: t("Cost of a row") },
              { value: "time", label: t("Median time") },
            ]}
          />
        ) : null
      }
    >
      {isCost ? (
        <Scatter points={byCost} format={dollars} label={t("Score against cost")} />
      ) : (
        <Scatter points={byTime} format={seconds} label={t("Score against time")} />
      )}
    </Surface>
  );
}
