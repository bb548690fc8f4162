// /metrics in Prometheus' text format: requests, runs by state, memory.
import { RUN_STATUSES } from "../runs/runs.ts";
import type { ApiDeps } from "./context.ts";

/** Counts answers, and reads the rest when asked. */
export function createMetrics({ runs }: Pick<ApiDeps, "runs">) {
  const answers = new Map<number, number>();
  return {
    count(status: number): void {
      answers.set(status, (answers.get(status) ?? 0) + 1);
    },
    /** `projectId` says whose runs are counted; the other figures are those of the whole server. */
    async answer(projectId: string): Promise<Response> {
      const lines = [
        "# HELP espalier_http_responses_total Answers by HTTP status.",
        "# TYPE espalier_http_responses_total counter",
      ];
      for (const [status, count] of [...answers].sort(([a], [b]) => a - b))
        lines.push(`espalier_http_responses_total{status="${status}"} ${count}`);
      lines.push("# HELP espalier_runs Runs of the key's project by state.", "# TYPE espalier_runs gauge");
      for (const status of RUN_STATUSES)
        lines.push(
          `espalier_runs{status="${status}"} ${await (await runs.list({ projectId, status, first: 0 })).totalCount()}`,
        );
      lines.push(
        "# HELP espalier_memory_bytes Resident memory of the server process.",
        "# TYPE espalier_memory_bytes gauge",
      );
      lines.push(`espalier_memory_bytes ${process.memoryUsage.rss()}`);
      return new Response(`${lines.join("\n")}\n`, {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" },
      });
    },
  };
}
