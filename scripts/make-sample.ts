// Makes samples/support-messages.jsonl from the templates, the same bytes at every run.
import { heldOutTemplates, slots, type Template, teams, trainingTemplates } from "./sample-templates.ts";

/** What base and customized model are both told. */
export const systemPrompt =
  `Sort the support message. Answer only with JSON: {"team": "...", "urgent": true|false}. ` +
  `Teams: ${teams.join(", ")}. Urgent: danger, blocked or broken now, or due today.`;

/** Rows made of each template. */
export const rowsPerTrainingTemplate = 4;
export const rowsPerHeldOutTemplate = 3;

export type SampleRow = {
  messages: { role: "system" | "user" | "assistant"; content: string }[];
  split: "train" | "test";
};

/** A 32-bit generator (mulberry32), returning numbers in [0, 1). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const greetings = ["", "", "", "Hello, ", "Hi team, ", "Good day. ", "Hey, "];
const endings = ["", "", "", " Thanks.", " Regards, Sam", " Thank you in advance."];

function fill(template: Template, pick: (from: readonly string[]) => string): string {
  return template.text.replace(/\{(\w+)\}/g, (_, slot: string) => {
    const values = slots[slot];
    if (values === undefined) throw new Error(`template names an unknown slot: ${slot}`);
    return pick(values);
  });
}

function rowsOf(
  templates: readonly Template[],
  perTemplate: number,
  split: SampleRow["split"],
  random: () => number,
): SampleRow[] {
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? "";
  const rows: SampleRow[] = [];
  for (const template of templates) {
    const seen = new Set<string>();
    // Greetings and endings say nothing of team or urgency, so that the model must read the sentence.
    while (seen.size < perTemplate) seen.add(pick(greetings) + fill(template, pick) + pick(endings));
    for (const content of seen) {
      const answer = `{"team": "${template.team}", "urgent": ${template.urgent}}`;
      rows.push({
        messages: [
          { role: "system", content: systemPrompt },
          { role: "user", content },
          { role: "assistant", content: answer },
        ],
        split,
      });
    }
  }
  for (let i = rows.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const row = rows[i];
    const other = rows[j];
    if (row !== undefined && other !== undefined) [rows[i], rows[j]] = [other, row];
  }
  return rows;
}

/** The whole sample: training rows, then held-out rows; deterministic. */
export function makeSample(): SampleRow[] {
  const random = seeded(20261123);
  return [
    ...rowsOf(trainingTemplates, rowsPerTrainingTemplate, "train", random),
    ...rowsOf(heldOutTemplates, rowsPerHeldOutTemplate, "test", random),
  ];
}

/** The sample as canonical JSONL. */
export function sampleText(): string {
  return `${makeSample()
    .map((row) => JSON.stringify(row))
    .join("\n")}\n`;
}

if (import.meta.main) {
  const path = new URL("../samples/support-messages.jsonl", import.meta.url).pathname;
  await Bun.write(path, sampleText());
  console.log(`${path}: ${makeSample().length} rows`);
}
