// The range of days that the dashboard shows: the last 7, 30 or 90, or any two days; it stands in the address.
import { SegmentedControl, TextInput } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { t } from "../i18n.ts";

export type Range = { from: string; to: string; timeZone: string };

const presets = ["7", "30", "90"] as const;
const usual = "30";
const isDay = (text: string | undefined): text is string =>
  text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));

/** The day of the visitor's own calendar, so many days ago. */
export function dayAgo(days: number, now: Date): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

type Said = { days?: string; from?: string; to?: string };

/** The range that an address names; the last 30 days where it names none that can be shown. */
export function rangeOf(said: Said, now: Date): Range & { preset: string } {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const { from, to } = said;
  if (isDay(from) && isDay(to)) {
    const [first, last] = from <= to ? [from, to] : [to, from];
    return { from: first, to: last, timeZone, preset: "custom" };
  }
  const days = presets.find((one) => one === said.days) ?? usual;
  return { from: dayAgo(Number(days) - 1, now), to: dayAgo(0, now), timeZone, preset: days };
}

export function useRange(): Range & { preset: string } {
  return rangeOf(useSearch({ strict: false }) as Said, new Date());
}

export function RangePicker() {
  const range = useRange();
  const navigate = useNavigate();
  const set = (change: Said) => navigate({ to: ".", search: change, replace: true });
  const today = dayAgo(0, new Date());
  return (
    <div className="e-range">
      <SegmentedControl
        aria-label={t("Range of days")}
        value={range.preset}
        onChange={(days) =>
          days === "custom" ? set({ from: range.from, to: range.to }) : set(days === usual ? {} : { days })
        }
        data={[
          ...presets.map((days) => ({ value: days, label: t("{{n}} days", { n: days }) })),
          { value: "custom", label: t("Other days") },
        ]}
      />
      {range.preset === "custom"
        ? (["from", "to"] as const).map((end) => (
            <TextInput
              key={end}
              type="date"
              aria-label={end === "from" ? t("First day") : t("Last day")}
              max={today}
              value={range[end]}
              onChange={(event) => {
                const day = event.currentTarget.value;
                if (isDay(day)) set({ from: range.from, to: range.to, [end]: day });
              }}
            />
          ))
        : null}
    </div>
  );
}
