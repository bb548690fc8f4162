// The list of migrations, in order; a migration that was released never changes. A test holds it to migrations/.
import first from "../../migrations/0000_first.sql" with { type: "text" };
import messageTree from "../../migrations/0001_message_tree.sql" with { type: "text" };
import usage from "../../migrations/0002_usage.sql" with { type: "text" };
import usageDays from "../../migrations/0003_usage_days.sql" with { type: "text" };
import feedback from "../../migrations/0004_feedback.sql" with { type: "text" };
import knowledge from "../../migrations/0005_knowledge.sql" with { type: "text" };
import providers from "../../migrations/0006_providers.sql" with { type: "text" };
import people from "../../migrations/0007_people.sql" with { type: "text" };
import knowledgeChat from "../../migrations/0008_knowledge_chat.sql" with { type: "text" };
import labelledQuestions from "../../migrations/0009_labelled_questions.sql" with { type: "text" };
import trash from "../../migrations/0010_trash.sql" with { type: "text" };
import usageCallers from "../../migrations/0011_usage_callers.sql" with { type: "text" };
import prompts from "../../migrations/0012_prompts.sql" with { type: "text" };
import messagePictures from "../../migrations/0013_message_pictures.sql" with { type: "text" };
import privateChats from "../../migrations/0014_private_chats.sql" with { type: "text" };
import images from "../../migrations/0015_images.sql" with { type: "text" };
import notifications from "../../migrations/0016_notifications.sql" with { type: "text" };
import feedbackKeys from "../../migrations/0017_feedback_keys.sql" with { type: "text" };
import assessments from "../../migrations/0018_assessments.sql" with { type: "text" };
import judges from "../../migrations/0019_judges.sql" with { type: "text" };
import ratings from "../../migrations/0020_ratings.sql" with { type: "text" };
import gates from "../../migrations/0021_gates.sql" with { type: "text" };
import overlaps from "../../migrations/0022_overlaps.sql" with { type: "text" };
import suites from "../../migrations/0023_suites.sql" with { type: "text" };
import reports from "../../migrations/0024_reports.sql" with { type: "text" };
import forecast from "../../migrations/0025_forecast.sql" with { type: "text" };
import { sha256 } from "../kit/hash.ts";

export type Migration = { name: string; sql: string; sha256: string };

const migration = (name: string, sql: string): Migration => ({ name, sql, sha256: sha256(sql) });

export const MIGRATIONS: readonly Migration[] = [
  migration("0000_first", first),
  migration("0001_message_tree", messageTree),
  migration("0002_usage", usage),
  migration("0003_usage_days", usageDays),
  migration("0004_feedback", feedback),
  migration("0005_knowledge", knowledge),
  migration("0006_providers", providers),
  migration("0007_people", people),
  migration("0008_knowledge_chat", knowledgeChat),
  migration("0009_labelled_questions", labelledQuestions),
  migration("0010_trash", trash),
  migration("0011_usage_callers", usageCallers),
  migration("0012_prompts", prompts),
  migration("0013_message_pictures", messagePictures),
  migration("0014_private_chats", privateChats),
  migration("0015_images", images),
  migration("0016_notifications", notifications),
  migration("0017_feedback_keys", feedbackKeys),
  migration("0018_assessments", assessments),
  migration("0019_judges", judges),
  migration("0020_ratings", ratings),
  migration("0021_gates", gates),
  migration("0022_overlaps", overlaps),
  migration("0023_suites", suites),
  migration("0024_reports", reports),
  migration("0025_forecast", forecast),
];
