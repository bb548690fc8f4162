// Code of users that grades answers, in QuickJS compiled to WebAssembly: it reaches nothing outside, not even a clock.
// Runs in the grading process only.
import { readFileSync } from "node:fs";
import { JSException, type JSValueHandle, QuickJS } from "quickjs-wasi";
import quickJsPath from "quickjs-wasi/quickjs.wasm" with { type: "file" };
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { type Grade, unscored } from "./graders.ts";

/** What code is told of an answer. */
export type CodeInput = { answer: string; reference: string | null; row: Readonly<Record<string, unknown>> };
/** `isOver` where the grader took more than it may, so that the next answer would probably cost as much. */
export type Verdict = { grade: Grade; isOver: boolean };
type Loaded = { vm: QuickJS; grade: JSValueHandle };

/** Most of the native stack that QuickJS takes; with more, WebAssembly itself fails before QuickJS can say so. */
const STACK_BYTES = 256 * 1024;
/** The time in every sandbox, 2000-01-01, in nanoseconds: scores must be the same tomorrow. It seeds Math.random, too. */
const STILL_TIME_NS = 946_684_800_000_000_000n;
const PARAMETERS = "{ answer, reference, row }";
/** What the code may be, each on lines of its own from the second on: an expression, as of a function, or a body. */
const FORMS = [
  (code: string) =>
    `(function (${PARAMETERS}) { const value = (\n${code}\n); return typeof value === "function" ? value(${PARAMETERS}) : value; })`,
  (code: string) => `(function (${PARAMETERS}) {\n${code}\n})`,
];
const DETAIL_OF_ERRORS = 200;
/** What QuickJS says for a name or message that an error does not have. */
const NOT_TOLD = "<null>";

let engine: Promise<WebAssembly.Module> | undefined;

/** Whether the code can be read. @throws EspalierError GRADER_INVALID */
export async function checkCode(code: string): Promise<void> {
  const time = new Time();
  using loaded = await load(code, time);
  if (!(loaded instanceof Failure)) return;
  throw new EspalierError("GRADER_INVALID", `The grader's code cannot be read: ${loaded.said}.`, {
    field: "grader",
    value: `javascript:${code}`.slice(0, 200),
    hint: "Mend the code: a function of {answer, reference, row}, or a body that returns a score.",
  });
}

/** Grades one answer by code, in a sandbox of its own. */
export async function runCode(code: string, input: CodeInput): Promise<Verdict> {
  const time = new Time();
  using loaded = await load(code, time);
  if (loaded instanceof Failure) return loaded.verdict(time);
  const { vm, grade } = loaded;
  try {
    using parse = vm.evalCode("JSON.parse");
    using text = vm.newString(JSON.stringify(input));
    using given = vm.callFunction(parse, vm.undefined, text);
    using result = vm.callFunction(grade, vm.undefined, given);
    return { grade: gradeOf(vm, result), isOver: false };
  } catch (error) {
    return new Failure(error).verdict(time);
  }
}

/** Processor time, so that a busy machine does not change what is scored. */
class Time {
  readonly #from = process.cpuUsage();
  isUp = false;

  readonly look = (): boolean => {
    const { user, system } = process.cpuUsage(this.#from);
    this.isUp ||= (user + system) / 1000 > limits.graderMs;
    return this.isUp;
  };
}

/** Why code gave no score. */
class Failure {
  /** As the code's own error says it, with its line. */
  readonly said: string;

  constructor(error: unknown) {
    if (error instanceof JSException) {
      const line = Number(/\bcode:(\d+)/.exec(String(error.stack ?? ""))?.[1] ?? 0) - 1;
      const words = [error.name, error.message].filter((word) => word !== "" && word !== NOT_TOLD);
      const what = words.join(": ").slice(0, DETAIL_OF_ERRORS) || "a value that is no error";
      this.said = line > 0 ? `${what} (line ${line})` : what;
    } else if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError)
      // The stack of WebAssembly itself ran out, as with code of very many brackets.
      this.said = "it nests too deeply";
    else throw error;
  }

  verdict(time: Time): Verdict {
    const why = time.isUp
      ? `The code took more than ${limits.graderMs} ms for one answer, the limit graderMs.`
      : this.said.startsWith("InternalError: out of memory")
        ? `The code took more than ${limits.graderMemoryBytes} bytes for one answer, the limit graderMemoryBytes.`
        : `The code failed: ${this.said}.`;
    return { grade: unscored(why), isOver: time.isUp };
  }

  [Symbol.dispose](): void {
    // Its sandbox is gone already.
  }
}

/** The code in a fresh sandbox, ready to be called, or why it cannot be read. */
async function load(code: string, time: Time): Promise<(Loaded & Disposable) | Failure> {
  engine ??= WebAssembly.compile(readFileSync(quickJsPath));
  let failure = new Failure(new RangeError());
  for (const form of FORMS) {
    const vm = await QuickJS.create({
      wasm: await engine,
      memoryLimit: limits.graderMemoryBytes,
      maxStackSize: STACK_BYTES,
      interruptHandler: time.look,
      timezoneOffset: 0,
      wasi: closed,
    });
    try {
      const grade = vm.evalCode(form(code), "code");
      return { vm, grade, [Symbol.dispose]: () => discard(vm) };
    } catch (error) {
      failure = new Failure(error);
      discard(vm);
    }
  }
  return failure;
}

/** The memory goes with the instance; what a failure left inside it cannot be freed in order. */
function discard(vm: QuickJS): void {
  try {
    vm.dispose();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
  }
}

/** What the sandbox may ask of its host: the time, which stands still, and nothing else. */
function closed(memory: WebAssembly.Memory) {
  const DONE = 0;
  const REFUSED = 52;
  const refuse = (): number => REFUSED;
  return {
    clock_time_get(_clock: number, _precision: bigint, at: number): number {
      new DataView(memory.buffer).setBigUint64(at, STILL_TIME_NS, true);
      return DONE;
    },
    random_get(at: number, length: number): number {
      new Uint8Array(memory.buffer, at, length).fill(1);
      return DONE;
    },
    fd_write: refuse,
    fd_seek: refuse,
    fd_close: refuse,
    fd_fdstat_get: refuse,
  };
}

/** The score in what code returned: a number from 0 to 1, true or false, or `{score, detail}`. */
function gradeOf(vm: QuickJS, result: JSValueHandle): Grade {
  if (result.isPromise)
    return unscored("The code returned a promise; it must give its score at once, without await.");
  if (!result.isObject || result.isFunction) return numberOf(vm, result, null);
  // Read inside, because a property of user code may be code that fails.
  using read = vm.evalCode("(function (given) { return [given.score, given.detail]; })");
  using parts = vm.callFunction(read, vm.undefined, result);
  using score = parts.getProp("0");
  using detail = parts.getProp("1");
  if (score.isUndefined) return unscored("The code returned an object without a score.");
  const said = detail.isString ? detail.toString().slice(0, limits.graderDetailChars) : "";
  return numberOf(vm, score, said === "" ? null : said);
}

function numberOf(vm: QuickJS, value: JSValueHandle, detail: string | null): Grade {
  if (value.isBool) return { score: value.toNumber(), detail };
  if (!value.isNumber)
    return unscored(`The code returned ${value.isNull ? "null" : vm.typeof(value)}, which is no score.`);
  const score = value.toNumber();
  // Zero has a sign that nobody wants to see.
  if (score >= 0 && score <= 1) return { score: Math.abs(score), detail };
  return unscored(`The code returned ${score}; a score is a number from 0 to 1.`);
}
