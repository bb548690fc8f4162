// What the model answered at each evaluation, by question: one sees it learn.
import { Text } from "@mantine/core";
import { z } from "zod";
import { t } from "../i18n.ts";
import { Surface } from "../ui/bits.tsx";
import { Pill } from "../ui/status.tsx";

const sampleShape = z.object({
  step: z.number(),
  prompt: z.string(),
  text: z.string(),
  reference: z.string().nullish(),
});
type Sample = z.infer<typeof sampleShape>;

/** The last thing a person says in a rendered prompt; all of it where no role is named. */
export function questionOf(prompt: string): string {
  const asked = prompt.split(/^user$/m).at(-1) ?? prompt;
  return asked.replace(/^assistant\s*$/m, "").trim();
}

const mostQuestions = 4;

export function Samples(props: { samples: readonly unknown[] }) {
  const read = props.samples.flatMap((sample): Sample[] => {
    const { success, data } = sampleShape.safeParse(sample);
    return success ? [data] : [];
  });
  if (read.length === 0) return null;
  const questions = [...Map.groupBy(read, (sample) => sample.prompt)].slice(0, mostQuestions);
  return (
    <Surface title={t("What it answers")}>
      {questions.map(([prompt, answers]) => {
        const wanted = answers[0]?.reference;
        return (
          <div key={prompt} className="e-sample">
            <Text size="sm" fw={600}>
              {questionOf(prompt)}
            </Text>
            <dl>
              {answers.map((answer) => (
                <div key={answer.step}>
                  <dt>{t("step {{step}}", { step: answer.step })}</dt>
                  <dd className="e-mono">
                    {answer.text}{" "}
                    {wanted && answer.text.trim() === wanted.trim() ? (
                      <Pill tone="leaf">{t("as wanted")}</Pill>
                    ) : null}
                  </dd>
                </div>
              ))}
              {wanted ? (
                <div data-wanted>
                  <dt>{t("wanted")}</dt>
                  <dd className="e-mono">{wanted}</dd>
                </div>
              ) : null}
            </dl>
          </div>
        );
      })}
    </Surface>
  );
}
