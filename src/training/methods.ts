// The training methods that the product knows, with their parameters as JSON Schema.
import { z } from "zod";
import { sftParameters } from "../../schema/trainer.ts";
import { EspalierError } from "../kit/errors.ts";

export type Method = {
  name: string;
  title: string;
  description: string;
  /** JSON Schema: type, range, default, title and why of each parameter. */
  parameters: Record<string, unknown>;
};

const SCHEMAS = { sft: sftParameters } as const;

/** Every method, in the order of the form. */
export function methods(): Method[] {
  return Object.entries(SCHEMAS).map(([name, schema]) => {
    const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: "input", reused: "inline" });
    const meta = schema.meta();
    return { name, title: meta?.title ?? name, description: meta?.description ?? "", parameters };
  });
}

/**
 * Parameters with defaults filled in.
 * @throws EspalierError UNKNOWN_METHOD, PARAMETER_INVALID naming the parameter, its value and its range
 */
export function parseParameters(method: string, parameters: unknown): z.infer<typeof sftParameters> {
  if (method !== "sft")
    throw new EspalierError("UNKNOWN_METHOD", `There is no training method "${method.slice(0, 80)}".`, {
      field: "method",
      value: method.slice(0, 80),
      hint: `Use one of: ${Object.keys(SCHEMAS).join(", ")}.`,
    });
  const parsed = SCHEMAS.sft.safeParse(parameters ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field =
    issue?.code === "unrecognized_keys" ? (issue.keys[0] ?? "") : String(issue?.path[0] ?? "parameters");
  const given = z.record(z.string(), z.unknown()).safeParse(parameters);
  throw new EspalierError("PARAMETER_INVALID", `${field}: ${issue?.message ?? "invalid"}`, {
    field,
    value: JSON.stringify(given.success ? given.data[field] : parameters)?.slice(0, 100) ?? "",
    hint: "Parameters have the names of TRL and PEFT; `methods` lists them with their ranges.",
  });
}
