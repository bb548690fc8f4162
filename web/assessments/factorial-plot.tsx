// The four as an interaction plot: two lines, base and tuned, from without to with documents; lines that are not side by
// side are the interaction.
import { t } from "../i18n.ts";
import { useWidth } from "../ui/use-width.ts";
import type { FactorialCell } from "./factorial.tsx";
import { two } from "./figures.tsx";

const HEIGHT = 220;
const TOP = 12;
const FOOT = 28;
const AXIS = 36;
/** Room for the name at the end of a line. */
const NAME = 92;

export function FactorialPlot(props: { cells: readonly FactorialCell[] }) {
  const [ref, width] = useWidth();
  const found = props.cells.flatMap((cell) => (cell.interval ? [{ ...cell, interval: cell.interval }] : []));
  const plot = Math.max(0, width - AXIS - NAME);
  const xOf = (hasDocuments: boolean): number => AXIS + plot * (hasDocuments ? 0.85 : 0.15);
  const yOf = (score: number): number => TOP + (HEIGHT - TOP - FOOT) * (1 - score);
  const spoken = found
    .map(({ candidate, interval }) =>
      t("{{name}}: {{score}}, {{range}}", {
        name: candidate.name,
        score: two(interval.mean),
        range: t("{{low}} to {{high}}", { low: two(interval.low), high: two(interval.high) }),
      }),
    )
    .join("; ");
  return (
    <div ref={ref} style={{ height: HEIGHT }}>
      <svg width={width} height={HEIGHT} role="img" aria-label={spoken} className="e-factorial-plot">
        {[0, 0.5, 1].map((score) => (
          <g key={score}>
            <line x1={AXIS} x2={AXIS + plot} y1={yOf(score)} y2={yOf(score)} className="e-grid" />
            <text x={AXIS - 8} y={yOf(score) + 4} textAnchor="end">
              {score}
            </text>
          </g>
        ))}
        {[false, true].map((hasDocuments) => (
          <text key={String(hasDocuments)} x={xOf(hasDocuments)} y={HEIGHT - 8} textAnchor="middle">
            {hasDocuments ? t("with documents") : t("without")}
          </text>
        ))}
        {[false, true].map((isTuned) => {
          const ends = found.filter((cell) => cell.isTuned === isTuned);
          const last = ends.at(-1);
          const other = found.find((cell) => cell.isTuned !== isTuned && cell.hasDocuments);
          // Names that would lie on each other step aside.
          const isNear = last && other && Math.abs(yOf(last.interval.mean) - yOf(other.interval.mean)) < 16;
          const isUpper = last && other && (last.interval.mean > other.interval.mean || (isTuned && isNear));
          const aside = isNear ? (isUpper ? -8 : 8) : 0;
          // Bars of both lines stand beside each other.
          const step = isTuned ? 4 : -4;
          return (
            <g key={String(isTuned)} className={isTuned ? "e-tuned" : "e-base"}>
              <polyline
                points={ends
                  .map((cell) => `${xOf(cell.hasDocuments) + step},${yOf(cell.interval.mean)}`)
                  .join(" ")}
              />
              {ends.map((cell) => {
                const x = xOf(cell.hasDocuments) + step;
                return (
                  <g key={cell.candidate.candidateId}>
                    <line x1={x} x2={x} y1={yOf(cell.interval.low)} y2={yOf(cell.interval.high)} />
                    <circle cx={x} cy={yOf(cell.interval.mean)} r={4} />
                  </g>
                );
              })}
              {last ? (
                <text x={xOf(true) + 14} y={yOf(last.interval.mean) + 4 + aside}>
                  {isTuned ? t("tuned") : t("base")}
                </text>
              ) : null}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
