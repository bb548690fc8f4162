// Says in the playground that a passage answers the question, or takes that back: so labelled questions come about.
import { Button } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { deleteQuestion, type LabelledQuestion, labelQuestions } from "./measure-queries.ts";

type Passage = { documentId: string; start: number; end: number };

export function LabelButton(props: {
  baseId: string;
  question: string;
  passage: Passage;
  /** Null while they are read. */
  labelled: readonly LabelledQuestion[] | null;
}) {
  const { baseId, question, passage, labelled } = props;
  const work = useWork();
  const known = labelled?.find(({ text }) => text === question);
  const relevant = known?.relevant ?? [];
  const others = relevant.filter((one) => !meets(one, passage));
  const isLabelled = others.length < relevant.length;
  const save = async (): Promise<void> => {
    const { documentId, start, end } = passage;
    const next = isLabelled ? others : [...relevant, { documentId, start, end, grade: 1 }];
    if (next.length === 0 && known) await act(deleteQuestion, { id: known.id });
    else
      await act(labelQuestions, { knowledgeBase: baseId, questions: [{ text: question, relevant: next }] });
  };
  return (
    <Gate scope="write">
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Button
        size="compact-xs"
        mt={8}
        variant={isLabelled ? "filled" : "default"}
        aria-pressed={isLabelled}
        leftSection={isLabelled ? <IconCheck size={14} aria-hidden /> : null}
        loading={work.isBusy}
        disabled={labelled === null}
        onClick={() => void work.run(save)}
      >
        {isLabelled ? t("Answers the question") : t("This is the right passage")}
      </Button>
    </Gate>
  );
}

/** Whether a judgement is about this passage, or about all of its document. */
function meets(
  one: { documentId: string; start: number | null; end: number | null },
  { documentId, start, end }: Passage,
): boolean {
  return (
    one.documentId === documentId && (one.start ?? 0) < end && start < (one.end ?? Number.MAX_SAFE_INTEGER)
  );
}
