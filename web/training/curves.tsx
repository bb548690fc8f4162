// The curves of a training: loss and eval loss large, learning rate, gradient norm, speed and memory as small multiples.
import { Group, SegmentedControl, Switch } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { Curve, type Series, smooth } from "../ui/curve.tsx";
import { bytes, count, small } from "../ui/format.ts";
import type { MetricPoint } from "./use-metrics.ts";

function pick(
  points: readonly MetricPoint[],
  key: Exclude<keyof MetricPoint, "step">,
): { x: number; y: number }[] {
  return points.flatMap((point) => {
    const y = point[key];
    return y === null ? [] : [{ x: point.step, y }];
  });
}

/** Colours of the runs laid over the first, which is green. */
const otherColors = ["--e-ink", "--e-edge", "--e-dash"] as const;

export type OtherRun = { name: string; metrics: readonly MetricPoint[] };

export function Curves(props: { points: MetricPoint[]; others: OtherRun[]; picker: ReactNode }) {
  const search = useSearch({ strict: false }) as { log?: string; smooth?: string };
  const navigate = useNavigate();
  const set = (change: Record<string, string | undefined>) =>
    navigate({ to: ".", search: (old: Record<string, unknown>) => ({ ...old, ...change }), replace: true });
  const weight = Number(search.smooth ?? 0) || 0;
  const { points, others } = props;
  const loss = useMemo<Series[]>(
    () => [
      { label: t("Loss"), color: "--e-leaf", points: smooth(pick(points, "loss"), weight) },
      { label: t("Eval loss"), color: "--e-leaf", isDashed: true, points: pick(points, "evalLoss") },
      ...others.flatMap(({ name, metrics }, index): Series[] => {
        const color = otherColors[index] ?? "--e-edge";
        return [
          { label: name, color, points: smooth(pick(metrics, "loss"), weight) },
          { label: t("{{name}}, eval", { name }), color, isDashed: true, points: pick(metrics, "evalLoss") },
        ];
      }),
    ],
    [points, others, weight],
  );
  const rest = useMemo(
    () =>
      (
        [
          ["learningRate", t("Learning rate"), small],
          ["gradNorm", t("Gradient norm"), small],
          ["tokensPerSecond", t("Tokens per second"), count],
          ["memoryBytes", t("Memory"), bytes],
        ] as const
      ).map(([key, label, format]) => ({
        key,
        label,
        format,
        series: [
          { label, color: "--e-leaf", points: pick(points, key) },
          ...others.map(({ name, metrics }, index) => ({
            label: name,
            color: otherColors[index] ?? "--e-edge",
            points: pick(metrics, key),
          })),
        ],
      })),
    [points, others],
  );
  return (
    <>
      <Surface
        title={t("Loss")}
        aside={
          <Group gap={16}>
            {props.picker}
            <Switch
              label={t("Log scale")}
              checked={search.log === "1"}
              onChange={(event) => set({ log: event.currentTarget.checked ? "1" : undefined })}
            />
            <SegmentedControl
              size="xs"
              aria-label={t("Smoothing")}
              value={String(weight)}
              onChange={(value) => set({ smooth: value === "0" ? undefined : value })}
              data={[
                { value: "0", label: t("raw") },
                { value: "0.6", label: t("smooth") },
                { value: "0.9", label: t("smoother") },
              ]}
            />
          </Group>
        }
      >
        <Curve
          label={t("Loss")}
          series={loss}
          height={280}
          isLog={search.log === "1"}
          format={small}
          hasLegend
        />
      </Surface>
      <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(190px, 1fr))", gap: 16 }}>
        {rest.map((one) => (
          <Surface key={one.key} title={one.label}>
            <Curve label={one.label} series={one.series} height={120} format={one.format} />
          </Surface>
        ))}
      </div>
    </>
  );
}
