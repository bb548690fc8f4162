// How figures of an assessment are written: scores, differences, intervals, p.
import { t } from "../i18n.ts";
import { hundredths, thousandths } from "../ui/format.ts";
import { IntervalBar, type Spread } from "../ui/interval.tsx";

export type Range = { low: number; high: number };
export const two = hundredths;
export const signed = (value: number): string => `${value < 0 ? "−" : "+"}${two(Math.abs(value))}`;
export const small = (p: number): string => (p < 0.001 ? `< ${thousandths(0.001)}` : thousandths(p));
/** The same with its letter, within a sentence. */
export const pText = (p: number): string => (p < 0.001 ? `p ${small(p)}` : `p = ${small(p)}`);
export const range = ({ low, high }: Range, say = two): string =>
  t("{{low}} to {{high}}", { low: say(low), high: say(high) });

/** A mean as a dot within its interval, from 0 to 1. */
export function ScoreBar(props: { name: string; interval: Spread }) {
  const { name, interval } = props;
  const label = t("{{name}}: {{score}}, {{range}}", {
    name,
    score: two(interval.mean),
    range: range(interval),
  });
  return <IntervalBar label={label} spread={interval} />;
}

/** A mean score in figures. */
export function ScoreText(props: { interval: Spread | null }) {
  if (!props.interval) return "–";
  return (
    <>
      <strong>{two(props.interval.mean)}</strong> <span className="e-muted">{range(props.interval)}</span>
    </>
  );
}

/** A difference in figures. */
export function DifferenceText(props: { difference: (Range & { difference: number }) | null }) {
  if (!props.difference) return "–";
  return (
    <>
      <strong>{signed(props.difference.difference)}</strong>{" "}
      <span className="e-muted">{range(props.difference, signed)}</span>
    </>
  );
}
