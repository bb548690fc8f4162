// Scores over the runs of a suite: a line for each candidate with its intervals, and the figures as a table.
import { Anchor } from "@mantine/core";
import { two } from "../assessments/figures.tsx";
import { t } from "../i18n.ts";
import { reachable, When } from "../ui/bits.tsx";
import { useWidth } from "../ui/use-width.ts";
import type { Suite } from "./detail-page.tsx";

type Point = Suite["history"][number];
const HEIGHT = 180;
const TOP = 12;
const FOOT = 24;
const AXIS = 36;
const COLORS = ["--e-leaf", "--e-blue", "--e-amber", "--e-edge", "--e-red", "--e-ink"];
const colorOf = (at: number): string => `var(${COLORS[at % COLORS.length]})`;

function Plot(props: { numbers: readonly number[]; lines: readonly [string, readonly Point[]][] }) {
  const { numbers, lines } = props;
  const [ref, width] = useWidth();
  const plot = Math.max(0, width - AXIS - 12);
  const xOf = (number: number): number =>
    AXIS + (plot * (numbers.indexOf(number) + 0.5)) / Math.max(1, numbers.length);
  const yOf = (score: number): number => TOP + (HEIGHT - TOP - FOOT) * (1 - Math.min(1, Math.max(0, score)));
  // So many runs that their numbers would touch are named in part.
  const every = Math.max(1, Math.ceil(numbers.length / Math.max(1, Math.floor(plot / 32))));
  return (
    <div ref={ref} style={{ height: HEIGHT }}>
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={t("Scores over {{count}} runs; the table below has the figures.", {
          count: numbers.length,
        })}
        className="e-factorial-plot"
      >
        {[0, 0.5, 1].map((score) => (
          <g key={score}>
            <line x1={AXIS} x2={AXIS + plot} y1={yOf(score)} y2={yOf(score)} className="e-grid" />
            <text x={AXIS - 8} y={yOf(score) + 4} textAnchor="end">
              {score}
            </text>
          </g>
        ))}
        {numbers.map((number, at) =>
          at % every === 0 ? (
            <text key={number} x={xOf(number)} y={HEIGHT - 6} textAnchor="middle">
              {number}
            </text>
          ) : null,
        )}
        {lines.map(([name, points], at) => {
          // Bars of several candidates stand beside each other.
          const step = (at - (lines.length - 1) / 2) * 6;
          return (
            <g key={name} stroke={colorOf(at)} fill={colorOf(at)}>
              <polyline
                points={points.map((one) => `${xOf(one.number) + step},${yOf(one.mean)}`).join(" ")}
              />
              {points.map((one) => (
                <g key={one.number}>
                  <line
                    x1={xOf(one.number) + step}
                    x2={xOf(one.number) + step}
                    y1={yOf(one.low)}
                    y2={yOf(one.high)}
                    strokeWidth={1.5}
                    opacity={0.5}
                  />
                  <circle cx={xOf(one.number) + step} cy={yOf(one.mean)} r={3.5} />
                </g>
              ))}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

export function History(props: { suite: Suite; shown: number; onShow: (number: number) => void }) {
  const { history } = props.suite;
  const numbers = [...new Set(history.map(({ number }) => number))];
  const lines = [...Map.groupBy(history, ({ name }) => name)];
  return (
    <>
      {numbers.length > 1 ? <Plot numbers={numbers} lines={lines} /> : null}
      <div className="e-scroll" {...reachable}>
        <table className="e-table e-figures e-assessed">
          <caption>
            {t(
              "The mean over the entries, each counting the same, with a 95 % interval combined from those of the entries.",
            )}
          </caption>
          <thead>
            <tr>
              <th scope="col">{t("Run")}</th>
              {lines.map(([name], at) => (
                <th key={name} scope="col">
                  <i className="e-suite-key" style={{ background: colorOf(at) }} aria-hidden /> {name}
                </th>
              ))}
              <th scope="col">{t("Started")}</th>
            </tr>
          </thead>
          <tbody>
            {numbers.toReversed().map((number) => {
              const points = history.filter((one) => one.number === number);
              const [first] = points;
              return (
                <tr key={number} data-picked={number === props.shown || undefined}>
                  <th scope="row">
                    <Anchor component="button" type="button" onClick={() => props.onShow(number)}>
                      {number}
                    </Anchor>
                    {first && first.entries < first.of ? (
                      <small>{t("{{entries}} of {{of}} entries", first)}</small>
                    ) : null}
                  </th>
                  {lines.map(([name]) => {
                    const point = points.find((one) => one.name === name);
                    return (
                      <td key={name}>
                        {point ? (
                          <>
                            <strong>{two(point.mean)}</strong>{" "}
                            <span className="e-muted">
                              {t("{{low}} to {{high}}", { low: two(point.low), high: two(point.high) })}
                            </span>
                          </>
                        ) : (
                          "–"
                        )}
                      </td>
                    );
                  })}
                  <td>
                    <When at={first?.createdAt} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}
