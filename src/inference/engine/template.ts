// Renders chat templates with a limit on time and on text, since a template comes from outside and may loop for ever.
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { monotonicMs } from "../../kit/clock.ts";
import { EspalierError, isEspalierError, messageOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import type { ChatMessage } from "../protocol.ts";

type Program = ReturnType<typeof parse>;
type Evaluated = ReturnType<Interpreter["evaluate"]>;

function timeout(): EspalierError {
  return new EspalierError(
    "TEMPLATE_TIMEOUT",
    `The chat template ran longer than ${limits.templateMs} ms or made more than ${limits.templateTextChars} characters.`,
    { field: "chat_template", hint: "Mend or replace the model's chat template." },
  );
}

/** An interpreter that looks at the clock and at the text's length as it goes. */
class GuardedInterpreter extends Interpreter {
  private steps = 0;
  private readonly deadline = monotonicMs() + limits.templateMs;

  override evaluate(...args: Parameters<Interpreter["evaluate"]>): Evaluated {
    if (++this.steps % 16 === 0 && monotonicMs() > this.deadline) throw timeout();
    const result = super.evaluate(...args);
    if (typeof result.value === "string" && result.value.length > limits.templateTextChars) throw timeout();
    return result;
  }
}

/** Jinja's range, refused where the list alone would exhaust the memory. */
function boundedRange(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0) throw new Error("range() step must not be zero");
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (count > limits.templateTextChars) throw timeout();
  return Array.from({ length: count }, (_, i) => from + i * step);
}

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
      env.set("strftime_now", () => "");
      env.set("messages", messages);
      env.set("add_generation_prompt", addGenerationPrompt);
      env.set("bos_token", special.bosToken ?? "");
      env.set("eos_token", special.eosToken ?? "");
      try {
        return String(new GuardedInterpreter(env).run(program).value);
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
