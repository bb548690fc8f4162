// Numbers, sizes, rates and times as people read them, always with their unit.
import { locale, t } from "../i18n.ts";

const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const exactNumber = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 });
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const three = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3, useGrouping: false });
const tiny = new Intl.NumberFormat(locale, {
  notation: "scientific",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const parts = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const money = new Intl.NumberFormat(locale, {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 2,
});
const cents = new Intl.NumberFormat(locale, {
  style: "currency",
  currency: "USD",
  maximumSignificantDigits: 2,
});
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

const collator = new Intl.Collator(locale, { numeric: true });

/** The order of two values of one column: texts as the language sorts them, "item 9" before "item 10". */
export const inOrder = (a: string | number, b: string | number): number =>
  typeof a === "string" && typeof b === "string" ? collator.compare(a, b) : Number(a) - Number(b);

/** 270_898_176 → "271 MB" (powers of ten, as disks are sold). */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${(scaled >= 100 || unit === 0 ? whole : tenths).format(scaled)} ${units[unit]}`;
}

/** 1234.5 → "1,234.5". */
export const plain = (value: number): string => exactNumber.format(value);

function decimals(digits: number): (value: number) => string {
  const format = new Intl.NumberFormat(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return (value) => format.format(value);
}
/** 0.4 → "0.40". */
export const hundredths = decimals(2);
/** 0.4 → "0.400". */
export const thousandths = decimals(3);

/** 0.42 → "42%". */
export const percent = (share: number): string => parts.format(share);

/** 12.345 → "$12.35"; what one call costs is far below a cent: 0.0000923 → "$0.000092". */
export const dollars = (value: number): string =>
  (value !== 0 && Math.abs(value) < 0.1 ? cents : money).format(value);

/** 134_515_008 → "134.5M". */
export const count = (value: number): string =>
  value >= 10_000 ? compact.format(value) : number.format(value);

export const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : t("{{n}} tok/s", { n: number.format(value) });

/** 1234 → "1.2 s"; 240 → "240 ms". */
export const seconds = (ms: number): string =>
  ms < 1000 ? t("{{n}} ms", { n: Math.round(ms) }) : t("{{n}} s", { n: number.format(ms / 1000) });

/** 95 → "1 min 35 s". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("{{n}} s", { n: whole });
  if (whole < 3600)
    return t("{{minutes}} min {{seconds}} s", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
  return t("{{hours}} h {{minutes}} min", {
    hours: Math.floor(whole / 3600),
    minutes: Math.floor((whole % 3600) / 60),
  });
}

/** How long something took, "–" until it ended. */
export const tookText = (run: { startedAt: string | null; endedAt: string | null }): string =>
  run.startedAt && run.endedAt ? duration((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000) : "–";

/** "16:20:35". */
export const clockTime = (at: string): string => clock.format(new Date(at));

export const exactTime = (at: string): string => exact.format(new Date(at));

/** "4 minutes ago". */
export function relativeTime(at: string, now: number): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ];
  for (const [unit, size] of steps)
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  return t("just now");
}

/** 0.000312 → "3.1e-4"; 1.2345 → "1.23"; 3 → "3". */
export function small(value: number): string {
  if (value === 0) return "0";
  return Math.abs(value) < 0.001 ? tiny.format(value).toLowerCase() : three.format(value);
}
