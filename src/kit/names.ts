// What may be a name of anything that people name: models, datasets, trainings, aliases.
import { EspalierError } from "./errors.ts";
import { limits } from "./limits.ts";

const FIRST = /^[\p{L}\p{N}]/u;
const NAME = /^[\p{L}\p{N} ._:+-]+$/u;

/**
 * A name as it will be kept (trimmed).
 * @throws EspalierError NAME_INVALID naming the field
 */
export function checkName(name: string, field = "name"): string {
  const trimmed = name.trim();
  if (FIRST.test(trimmed) && NAME.test(trimmed) && [...trimmed].length <= limits.nameChars) return trimmed;
  const shown = [...trimmed].slice(0, limits.nameChars).join("");
  throw new EspalierError("NAME_INVALID", `"${shown}" cannot be a name.`, {
    field,
    value: shown,
    hint: `Use 1 to ${limits.nameChars} letters, digits, spaces and . _ : + -, beginning with a letter or digit.`,
  });
}

/** The name itself, or with the first number from 2 on with which it is not taken. */
export function numberedName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = nameEnding(name, `_${number}`);
  return free;
}

/** A name that ends as said and is no longer than a name may be; the stem gives way. */
export function nameEnding(stem: string, ending: string): string {
  return [...stem].slice(0, limits.nameChars - ending.length).join("") + ending;
}
