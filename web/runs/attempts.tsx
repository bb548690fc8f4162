// The history of a run: each attempt with who took it, how long it lasted, and why it ended.
import { t } from "../i18n.ts";
import { Surface, When } from "../ui/bits.tsx";
import { tookText } from "../ui/format.ts";

export type Attempt = {
  number: number;
  worker: string | null;
  startedAt: string;
  endedAt: string | null;
  outcome: string;
  why: string | null;
};

/** The server's words in the page's language. */
const reasons: Record<string, string> = {
  "its worker has been silent for too long": t("its trainer was silent for too long"),
  "its trainer was stopped": t("its trainer was stopped"),
  "its trainer was started anew": t("its trainer was started anew"),
  "the server was stopped": t("the server was stopped"),
  "the server stops": t("the server was stopped"),
  "the trainer was gone before it heard of the run": t("its trainer was gone before it heard of it"),
  "the trainer asked for work again: it never heard of this run": t(
    "its trainer was gone before it heard of it",
  ),
};
export const reasonWord = (why: string): string => reasons[why] ?? why;

const outcomes: Record<string, string> = {
  running: t("running"),
  succeeded: t("done"),
  failed: t("failed"),
  cancelled: t("cancelled"),
  lost: t("back to the queue"),
};

/** Shown from the second attempt on, or when the first was lost: before that there is no history. */
export function Attempts(props: { attempts: readonly Attempt[] }) {
  const { attempts } = props;
  if (attempts.length < 2 && attempts[0]?.outcome !== "lost") return null;
  return (
    <Surface title={t("Attempts")}>
      <ol className="e-attempts" aria-label={t("Attempts")}>
        {attempts.map((attempt) => (
          <li key={attempt.number} value={attempt.number}>
            <span>
              {attempt.worker ?? t("this server")}, <When at={attempt.startedAt} />
              {attempt.endedAt ? `, ${tookText(attempt)}` : ""}
            </span>
            <small>
              {[outcomes[attempt.outcome] ?? attempt.outcome, attempt.why ? reasonWord(attempt.why) : ""]
                .filter(Boolean)
                .join(": ")}
            </small>
          </li>
        ))}
      </ol>
    </Surface>
  );
}
