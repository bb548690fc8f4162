// How verbs take their flags: parsed, and without those that were not given.
import { type Command, Option } from "commander";
import { z } from "zod";
import type { Done } from "./program.ts";
import type { Json } from "./verbs.ts";

export const text = z.string().optional();
export const words = z.array(z.string()).optional();
export const number = z.number().optional();
export const yes = z.boolean().optional();

/** Flags as a verb takes them, without those that were not given. */
export function take<S extends z.ZodRawShape>(
  shape: S,
  flags: Record<string, unknown>,
): Given<z.infer<z.ZodObject<S>>> {
  const parsed: Record<string, unknown> = z.object(shape).parse(flags);
  for (const key of Object.keys(parsed)) if (parsed[key] === undefined) delete parsed[key];
  // What was undefined is gone, which is all that Given says beyond the schema.
  return parsed as Given<z.infer<z.ZodObject<S>>>;
}
type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** An option that has to be given. */
export const required = (flags: string, about: string): Option =>
  new Option(flags, about).makeOptionMandatory();
export const dataOption = new Option("--data <dir>", "the data folder (ESPALIER_DATA)");
/** What most verbs answer: one document. */
export const document = (value: Json): Done => ({ document: value });

/** A verb that only holds others. */
export function group(parent: Command, name: string, about: string): Command {
  return parent.command(name).description(about).helpCommand(false);
}
