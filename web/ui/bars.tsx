// Bars: stacked ones by day, and shares of a whole; each with its figures as a table for whoever reads rather than looks.
import { Fragment, type ReactNode, useId } from "react";
import { locale, t } from "../i18n.ts";
import { reachable } from "./bits.tsx";
import { useWidth } from "./use-width.ts";

/** One colour of the stack; `values` by day. */
export type DaySeries = { key: string; label: string; color: string; values: readonly number[] };

const dayFormat = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
/** "2026-01-31" → "31 Jan". */
const dayWord = (day: string): string => dayFormat.format(new Date(`${day}T00:00:00Z`));

const FOOT = 20;

/** The least round number that is not below the value: 1, 2 or 5 times a power of ten; whole numbers stay whole. */
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((times) => times * power >= value * 0.999_999) ?? 10) * power;
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** Days along the bottom, series stacked in their order; the legend says the sum of each. */
export function DayBars(props: {
  label: string;
  days: readonly string[];
  series: readonly DaySeries[];
  format: (value: number) => string;
  height?: number;
}) {
  const { days, format } = props;
  const [ref, width] = useWidth();
  const height = props.height ?? 168;
  const series = props.series.filter(({ values }) => sum(values) > 0);
  const top = roundUp(Math.max(0, ...days.map((_, at) => sum(series.map(({ values }) => values[at] ?? 0)))));
  // Wide enough for the longest figure beside the plot.
  const axis = 12 + 7 * Math.max(4, ...[0, top / 2, top].map((value) => format(value).length));
  const plot = Math.max(0, width - axis);
  const step = plot / Math.max(1, days.length);
  const bar = Math.max(1, Math.min(36, step * 0.72));
  const yOf = (value: number): number => (height - FOOT - 8) * (1 - value / top) + 8;
  const every = Math.max(1, Math.ceil(days.length / Math.max(1, Math.floor(plot / 64))));
  const spoken = series.map(({ label, values }) => `${label} ${format(sum(values))}`).join(", ");
  return (
    <figure className="e-bars">
      <div ref={ref} style={{ height }}>
        <svg width={width} height={height} role="img" aria-label={`${props.label}: ${spoken}`}>
          {[0, top / 2, top].map((value) => (
            <g key={value}>
              <line x1={axis} x2={width} y1={yOf(value)} y2={yOf(value)} stroke="var(--e-line)" />
              <text x={axis - 8} y={yOf(value) + 4} textAnchor="end">
                {Number.isInteger(top) && !Number.isInteger(value) ? "" : format(value)}
              </text>
            </g>
          ))}
          {days.map((day, at) => {
            let below = 0;
            const left = axis + step * at + (step - bar) / 2;
            return (
              <g key={day}>
                {series.map(({ key, label, color, values }) => {
                  const value = values[at] ?? 0;
                  if (value <= 0) return null;
                  const [from, to] = [below, below + value];
                  below = to;
                  return (
                    <rect
                      key={key}
                      x={left}
                      width={bar}
                      y={yOf(to)}
                      height={Math.max(1, yOf(from) - yOf(to))}
                      fill={color}
                    >
                      <title>{`${dayWord(day)}, ${label}: ${format(value)}`}</title>
                    </rect>
                  );
                })}
                {at % every === 0 ? (
                  <text x={left + bar / 2} y={height - 4} textAnchor="middle">
                    {dayWord(day)}
                  </text>
                ) : null}
              </g>
            );
          })}
        </svg>
      </div>
      <ul className="e-legend">
        {series.map(({ key, label, color, values }) => (
          <li key={key}>
            <i style={{ background: color }} />
            {label} <b>{format(sum(values))}</b>
          </li>
        ))}
      </ul>
      <Figures
        label={props.label}
        head={[t("Day"), ...series.map(({ label }) => label)]}
        rows={days
          .map((day, at) => [day, ...series.map(({ values }) => values[at] ?? 0)] as const)
          .filter(([, ...values]) => values.some((value) => typeof value === "number" && value > 0))
          .map(([day, ...values]) => [day, ...values.map((value) => format(Number(value)))])}
      />
    </figure>
  );
}

/** Bars from the left with their words: each a share of the largest, or of `whole`. */
export function ShareBars(props: {
  label: string;
  items: readonly { name: string; value: number; label?: ReactNode; color?: string }[];
  format: (value: number) => string;
  whole?: number;
}) {
  const most = props.whole ?? Math.max(1, ...props.items.map(({ value }) => value));
  const id = useId();
  return (
    <dl className="e-shares" aria-label={props.label}>
      {props.items.map(({ name, value, label, color }) => (
        <Fragment key={name}>
          <dt id={`${id}${name}`}>{label ?? name}</dt>
          <dd>
            <i>
              <b
                style={{
                  width: `${Math.min(100, (100 * value) / most)}%`,
                  background: color ?? "var(--e-leaf)",
                }}
              />
            </i>
            <span>{props.format(value)}</span>
          </dd>
        </Fragment>
      ))}
    </dl>
  );
}

/** The same figures to read, folded away. */
function Figures(props: { label: string; head: string[]; rows: string[][] }) {
  return (
    <details className="e-figures">
      <summary>{t("Show as a table")}</summary>
      <section className="e-scroll" {...reachable} aria-label={props.label}>
        <table className="e-table">
          <thead>
            <tr>
              {props.head.map((word, at) => (
                <th key={word} className={at > 0 ? "e-num" : undefined}>
                  {word}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {props.rows.map(([day, ...values]) => (
              <tr key={day}>
                <td>{day}</td>
                {values.map((value, at) => (
                  <td key={props.head[at + 1]} className="e-num">
                    {value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
