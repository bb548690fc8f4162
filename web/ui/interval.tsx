// A mean within its 95 % interval, drawn on one scale: of scores from 0 to 1, or of differences from -1 to 1.
export type Spread = { mean: number; low: number; high: number };

export function IntervalBar(props: { label: string; spread: Spread; isDifference?: boolean }) {
  const { spread, isDifference } = props;
  const share = (value: number): number => (isDifference ? (value + 1) / 2 : value);
  const percent = (part: number): string => `${Math.round(part * 1000) / 10}%`;
  const [low, high] = [share(spread.low), share(spread.high)];
  return (
    <div
      className="e-interval"
      role="img"
      aria-label={props.label}
      {...(isDifference ? { "data-zero": true } : {})}
    >
      <i style={{ left: percent(low), width: percent(high - low) }} />
      <b style={{ left: percent(share(spread.mean)) }} />
    </div>
  );
}
