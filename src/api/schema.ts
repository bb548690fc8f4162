// The GraphQL schema: all types, authorised field by field. Importing this file builds it.
import { lexicographicSortSchema, printSchema } from "graphql";
import "./types/accounts.ts";
import "./types/assessment-report.ts";
import "./types/assessment-verbs.ts";
import "./types/assessments.ts";
import "./types/chat.ts";
import "./types/collect.ts";
import "./types/feedback.ts";
import "./types/gates.ts";
import "./types/images.ts";
import "./types/dashboard.ts";
import "./types/factorial.ts";
import "./types/datasets.ts";
import "./types/knowledge.ts";
import "./types/knowledge-evaluation.ts";
import "./types/knowledge-verbs.ts";
import "./types/live.ts";
import "./types/map.ts";
import "./types/models.ts";
import "./types/nodes.ts";
import "./types/notifications.ts";
import "./types/overlaps.ts";
import "./types/pictures.ts";
import "./types/prompts.ts";
import "./types/people.ts";
import "./types/projects.ts";
import "./types/providers.ts";
import "./types/ratings.ts";
import "./types/runs.ts";
import "./types/suites.ts";
import "./types/trainers.ts";
import "./types/trainings.ts";
import "./types/trash.ts";
import "./types/usage.ts";
import "./types/webhook.ts";
import { authorise } from "./authorise.ts";
import { builder } from "./builder.ts";

export const schema = authorise(builder.toSchema({ sortSchema: true }));

/** The schema as SDL, sorted, with descriptions: what schema/schema.graphql holds. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
