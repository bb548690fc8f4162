// Renders chat templates with a limit on time and on text, since a template comes from outside and may loop for ever.
import { type Context, createContext, Script } from "node:vm";
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { z } from "zod";
import { EspalierError, isEspalierError, messageOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import type { ChatMessage } from "../protocol.ts";

type Program = ReturnType<typeof parse>;
type Evaluated = ReturnType<Interpreter["evaluate"]>;

function timeout(): EspalierError {
  return new EspalierError(
    "TEMPLATE_TIMEOUT",
    `The chat template ran longer than ${limits.templateMs} ms or made more than ${limits.templateTextChars} characters or ${limits.templateItems} items.`,
    {
      field: "chat_template",
      value: `${limits.templateMs} ms`,
      hint: "Mend or replace the model's chat template.",
    },
  );
}

/** An interpreter that looks at the size of what each step made. */
class GuardedInterpreter extends Interpreter {
  override evaluate(...args: Parameters<Interpreter["evaluate"]>): Evaluated {
    const result = super.evaluate(...args);
    const { value } = result;
    if (typeof value === "string" && value.length > limits.templateTextChars) throw timeout();
    if (Array.isArray(value) && value.length > limits.templateItems) throw timeout();
    return result;
  }
}

const call = new Script("work()");
let callContext: Context | undefined;

/**
 * Runs `work` for at most `templateMs` of this thread's processor time, wherever it spends it: only the virtual
 * machine's own timer ends a single step that takes for ever, and code of ours that looked at a clock would not.
 * @throws EspalierError TEMPLATE_TIMEOUT
 */
function timed<T>(work: () => T): T {
  let result: { value: T } | undefined;
  callContext ??= createContext({});
  callContext.work = () => {
    result = { value: work() };
  };
  try {
    call.runInContext(callContext, { timeout: limits.templateMs });
  } catch (error) {
    throw error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
      ? timeout()
      : error;
  }
  if (!result) throw new Error("the template's work left no result");
  return result.value;
}

/** Jinja's range, refused where the list alone would exhaust the memory. */
function boundedRange(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0) throw new Error("range() step must not be zero");
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (count > limits.templateItems) throw timeout();
  return Array.from({ length: count }, (_, i) => from + i * step);
}

const STRIPS = new Set(["strip", "lstrip", "rstrip"]);
const STRIP = "espalier_strip";

/** Python's strip of given characters, which the library leaves to take all white space: `{{ text.lstrip('\n') }}`. */
function stripCharacters(text: string, characters: string, side: string): string {
  let [from, to] = [0, text.length];
  if (side !== "rstrip") while (from < to && characters.includes(text.charAt(from))) from++;
  if (side !== "lstrip") while (to > from && characters.includes(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}

/** Turns calls `x.strip(y)`, `lstrip` and `rstrip` into calls of our own function, in place. */
function mendStrips(node: unknown): void {
  if (typeof node !== "object" || node === null) return;
  for (const part of node instanceof Map ? [...node].flat() : Object.values(node)) mendStrips(part);
  const call = stripCall.safeParse(node);
  if (!call.success) return;
  const { callee, args } = call.data;
  Object.assign(node, {
    callee: { type: "Identifier", value: STRIP },
    args: [callee.object, ...args, { type: "StringLiteral", value: callee.property.value }],
  });
}

const stripCall = z.object({
  type: z.literal("CallExpression"),
  callee: z.object({
    type: z.literal("MemberExpression"),
    object: z.unknown(),
    property: z.object({
      type: z.literal("Identifier"),
      value: z.string().refine((name) => STRIPS.has(name)),
    }),
  }),
  args: z.array(z.unknown()).length(1),
});

export type ChatTemplate = {
  /** Text of the conversation. Throws TEMPLATE_TIMEOUT, TEMPLATE_FAILED. */
  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string;
};

/** Compiles a template. `special` gives bos_token and eos_token. Throws TEMPLATE_INVALID. */
export function compileTemplate(
  source: string,
  special: { bosToken: string | null; eosToken: string | null },
): ChatTemplate {
  let program: Program;
  try {
    program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    mendStrips(program);
  } catch (error) {
    throw new EspalierError("TEMPLATE_INVALID", `The chat template cannot be read: ${messageOf(error)}.`, {
      field: "chat_template",
      hint: "Mend the template in tokenizer_config.json or chat_template.jinja.",
    });
  }
  return {
    render(messages, addGenerationPrompt) {
      const env = new Environment();
      for (const [name, value] of [
        ["false", false],
        ["true", true],
        ["none", null],
      ] as const) {
        env.set(name, value);
        env.set(name.charAt(0).toUpperCase() + name.slice(1), value);
      }
      env.set("raise_exception", (message: string) => {
        throw new Error(message);
      });
      env.set("range", boundedRange);
      // The trainer renders without a day too, so that a row is the same tomorrow.
      env.set("strftime_now", () => "");
      env.set(STRIP, stripCharacters);
      env.set("messages", messages);
      env.set("add_generation_prompt", addGenerationPrompt);
      // As `transformers` sets them: templates ask whether they are none.
      env.set("tools", null);
      env.set("documents", null);
      env.set("bos_token", special.bosToken ?? "");
      env.set("eos_token", special.eosToken ?? "");
      try {
        return timed(() => String(new GuardedInterpreter(env).run(program).value));
      } catch (error) {
        if (isEspalierError(error)) throw error;
        throw new EspalierError("TEMPLATE_FAILED", `The chat template failed: ${messageOf(error)}.`, {
          field: "messages",
          hint: "The template may refuse this order of roles; change the messages or the template.",
        });
      }
    },
  };
}
