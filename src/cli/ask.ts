// Asks at a terminal before what cannot be undone; a script, which has none, is not asked.
import { createInterface } from "node:readline";
import { EspalierError } from "../kit/errors.ts";
import type { VerbContext } from "./context.ts";

type Input = NodeJS.ReadableStream & { isTTY?: boolean };

/**
 * Returns when the person says yes, gave --yes, or when nobody is there to be asked (no terminal, --json).
 * @throws EspalierError NOT_CONFIRMED
 */
export async function confirmed(
  { isJson, stderr }: Pick<VerbContext, "isJson" | "stderr">,
  question: string,
  { yes }: { yes?: boolean },
  input: Input = process.stdin,
): Promise<void> {
  if (yes || isJson || input.isTTY !== true || stderr.isTTY !== true) return;
  stderr.write(`${question} [y/N] `);
  const lines = createInterface({ input });
  const answer = await new Promise<string>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(""));
  });
  lines.close();
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new EspalierError("NOT_CONFIRMED", "nothing was done", {
    hint: "Answer y, or give --yes.",
    status: 409,
  });
}
