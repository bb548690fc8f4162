// What every verb that talks to a server gets: the client, where to write, and whether to wait.
import type { Client } from "./client.ts";
import { finishedThing } from "./follow.ts";
import type { Json, TextSink } from "./verbs.ts";

export type VerbContext = {
  client: Client;
  /** True with --json: nothing but the document on stdout. */
  isJson: boolean;
  wait: boolean;
  stdout: TextSink;
  stderr: TextSink;
  signal?: AbortSignal | undefined;
};

/** The finished thing with --wait; else what is known of it now. */
export async function outcome(context: VerbContext, runId: string, now: Json): Promise<Json> {
  if (!context.wait) return now;
  return finishedThing(followOf(context), runId);
}

export function followOf({ client, stderr, signal, isJson }: VerbContext) {
  return { client, stderr, signal, quiet: isJson };
}
