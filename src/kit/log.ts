// The program's log on stderr, secrets left out: one JSON object a line, or on a terminal a line for people.
import { now } from "./clock.ts";

const LEVELS = { debug: 10, info: 20, warn: 30, error: 40, silent: 100 } as const;

export type LogLevel = keyof typeof LEVELS;
export const LOG_LEVELS = Object.keys(LEVELS) as readonly LogLevel[];
export type LogFields = Record<string, unknown>;

export type Log = {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with fields that every line then carries. */
  child(fields: LogFields): Log;
};

export type LogDeps = {
  level?: LogLevel;
  write?: (line: string) => void;
  clock?: () => number;
  /** Lines for people instead of JSON; when unsaid, on a terminal. */
  isReadable?: boolean;
};

const SECRET_NAME = /token$|secret|password|authorization|cookie|apikey|api_key|^key$|hash$/i;
// Our own keys, wherever they appear in a text, and bearer headers.
const SECRET_TEXT =
  /\b(esp_[A-Za-z0-9_-]{8})[A-Za-z0-9_-]+|\b([Bb]earer\s+)\S+|([?&#](?:token|setup|key)=)[^&\s"]+/g;

/** A logger; lines below `level` are dropped. */
export function createLog(deps: LogDeps = {}): Log {
  const floor = LEVELS[deps.level ?? "info"];
  const write = deps.write ?? ((line: string) => void process.stderr.write(line));
  const clock = deps.clock ?? now;
  const format =
    (deps.isReadable ?? (deps.write === undefined && process.stderr.isTTY)) ? readable : JSON.stringify;
  const make = (bound: LogFields): Log => {
    const line = (level: LogLevel, message: string, fields: LogFields = {}): void => {
      if (LEVELS[level] < floor) return;
      const entry = { at: new Date(clock()).toISOString(), level, message: redactText(message) };
      write(`${format({ ...entry, ...redactFields({ ...bound, ...fields }) })}\n`);
    };
    return {
      debug: (message, fields) => line("debug", message, fields),
      info: (message, fields) => line("info", message, fields),
      warn: (message, fields) => line("warn", message, fields),
      error: (message, fields) => line("error", message, fields),
      child: (fields) => make({ ...bound, ...fields }),
    };
  };
  return make({});
}

/** `12:30:05 warn message  name=value …`; control characters of what others wrote do not reach the terminal. */
function readable({ at, level, message, ...fields }: LogFields): string {
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const line = `${String(at).slice(11, 19)} ${level === "info" ? "" : `${level} `}${message}${rest.join("")}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
}

/** Text with keys, bearer tokens and secret query values cut out. */
export function redactText(text: string): string {
  return text.replace(SECRET_TEXT, (_all, key?: string, bearer?: string, query?: string) =>
    key ? `${key}…` : `${bearer ?? query ?? ""}…`,
  );
}

function redactFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, redactValue(name, value, 0)]),
  );
}

function redactValue(name: string, value: unknown, depth: number): unknown {
  // A content hash is no secret and is what one looks for in a log.
  if (SECRET_NAME.test(name) && !/^(sha256|contentHash)$/.test(name)) return "…";
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error)
    return { name: value.name, message: redactText(value.message), stack: redactText(value.stack ?? "") };
  if (typeof value !== "object" || value === null) return value;
  if (depth >= 4) return "…";
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redactValue("", item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, redactValue(key, item, depth + 1)]),
  );
}
