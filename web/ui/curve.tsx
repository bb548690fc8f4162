// One curve chart on uPlot: shared crosshair, log scale, smoothing, colours of the theme.
import { useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import { t } from "../i18n.ts";

export type Series = { label: string; points: { x: number; y: number }[]; color: string; isDashed?: boolean };

/** Exponential moving average; `weight` 0 leaves the values as they are. */
export function smooth(points: { x: number; y: number }[], weight: number): { x: number; y: number }[] {
  let held: number | null = null;
  return points.map(({ x, y }) => {
    held = held === null ? y : held * weight + y * (1 - weight);
    return { x, y: held };
  });
}

/** Joins series on their x values; a series without a value there has a gap that the line spans. */
export function align(series: Series[]): [number[], ...(number | null)[][]] {
  const xs = [...new Set(series.flatMap((one) => one.points.map((point) => point.x)))].sort((a, b) => a - b);
  const columns = series.map((one) => {
    const byX = new Map(one.points.map((point) => [point.x, point.y]));
    return xs.map((x) => byX.get(x) ?? null);
  });
  return [xs, ...columns];
}

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function Curve(props: {
  label: string;
  series: Series[];
  height: number;
  isLog?: boolean;
  format: (value: number) => string;
  hasLegend?: boolean;
}) {
  const { ref: sizeRef, width } = useElementSize();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scheme = useComputedColorScheme("light");
  const shape = `${width}|${props.isLog}|${scheme}|${props.height}|${props.series.map((one) => one.label + one.color).join()}`;
  const latest = useRef(props);
  latest.current = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` names all that needs a new plot
  useEffect(() => {
    const target = holder.current;
    if (!target || width === 0) return;
    const now = latest.current;
    const axis = {
      stroke: css("--e-muted"),
      grid: { stroke: css("--e-line"), width: 1 },
      ticks: { show: false },
      font: "12px Inter Variable",
    };
    const lastStep = () => Math.max(0, ...latest.current.series.map((one) => one.points.at(-1)?.x ?? 0));
    const made = new uPlot(
      {
        width,
        height: now.height,
        padding: [8, 8, 0, 0],
        legend: {
          show: now.hasLegend ?? false,
          markers: { dash: (_, index) => (now.series[index - 1]?.isDashed ? "dotted" : "solid") },
        },
        cursor: { sync: { key: "training" }, points: { size: 6 } },
        scales: { x: { time: false }, y: now.isLog ? { distr: 3 } : {} },
        axes: [
          {
            ...axis,
            size: 28,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000],
          },
          {
            ...axis,
            size: 64,
            values: (_: uPlot, ticks: number[]) => {
              const said = ticks.map((tick) => (tick === null ? "" : latest.current.format(tick)));
              // Ticks closer than what the format tells apart would all say the same.
              return said.map((text, at) => (text === said[at - 1] ? "" : text));
            },
          },
        ],
        series: [
          { label: t("Step"), value: (_: uPlot, x: number | null) => String(x ?? lastStep()) },
          ...now.series.map((one) => ({
            label: one.label,
            stroke: css(one.color),
            width: 2,
            spanGaps: true,
            points: { show: one.points.length < 2 },
            ...(one.isDashed ? { dash: [6, 4] } : {}),
            // Where nothing is pointed at, the legend says how it stands.
            value: (_: uPlot, value: number | null, index: number) => {
              const shown = value ?? latest.current.series[index - 1]?.points.at(-1)?.y;
              return shown === undefined ? "–" : latest.current.format(shown);
            },
          })),
        ],
      },
      align(now.series) as uPlot.AlignedData,
      target,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(align(props.series) as uPlot.AlignedData);
  }, [props.series]);
  const last = props.series
    .map((one) => `${one.label} ${one.points.length > 0 ? props.format(one.points.at(-1)?.y ?? 0) : "–"}`)
    .join(", ");
  return (
    <div ref={sizeRef} role="img" aria-label={`${props.label}: ${last}`} style={{ minHeight: props.height }}>
      <div ref={holder} />
    </div>
  );
}
