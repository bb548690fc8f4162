// Of an assessment's answers: rows are ticked, or all that a candidate lost are taken, and become rows of a dataset.
import { Button, Checkbox, Select, SimpleGrid } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useMemo, useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { t } from "../i18n.ts";
import { CollectDialog, type CollectSource } from "./dialog.tsx";

type Assessed = {
  id: string;
  name: string;
  reference: string | null;
  candidates: readonly { candidateId: string; name: string }[];
};
type Which = "wrong" | "beaten" | "ticked";
type Right = "REFERENCE" | "BETTER";

/** The box before each row, and the button that opens the dialog. */
export function useLostRows(assessment: Assessed): { tick: (row: number) => ReactNode; button: ReactNode } {
  const [ticked, setTicked] = useState<ReadonlySet<number>>(new Set());
  const [isOpen, dialog] = useDisclosure(false);
  const tick = (row: number) => (
    <Checkbox
      size="xs"
      aria-label={t("Choose row {{row}}", { row })}
      checked={ticked.has(row)}
      onChange={() =>
        setTicked((old) => {
          const next = new Set(old);
          if (!next.delete(row)) next.add(row);
          return next;
        })
      }
    />
  );
  const button = (
    <>
      <Gate scope="write">
        <Button size="xs" variant="default" onClick={dialog.open}>
          {ticked.size > 0
            ? t("Make data of {{count}} rows", { count: ticked.size })
            : t("Make data of lost rows")}
        </Button>
      </Gate>
      {isOpen ? <Lost assessment={assessment} ticked={ticked} onClose={dialog.close} /> : null}
    </>
  );
  return { tick, button };
}

function Lost(props: { assessment: Assessed; ticked: ReadonlySet<number>; onClose: () => void }) {
  const { assessment, ticked } = props;
  const { candidates } = assessment;
  const [candidate, setCandidate] = useState(candidates[0]?.candidateId ?? "");
  const [which, setWhich] = useState<Which>(ticked.size > 0 ? "ticked" : "wrong");
  const [right, setRight] = useState<Right>(assessment.reference === null ? "BETTER" : "REFERENCE");
  const hasOthers = candidates.length > 1;
  const source = useMemo(
    (): CollectSource => ({
      assessment: {
        name: assessment.id,
        candidate,
        lost: which === "beaten" ? "BEATEN" : "WRONG",
        rows: which === "ticked" ? [...ticked] : null,
        right,
      },
    }),
    [assessment.id, candidate, which, ticked, right],
  );
  return (
    <CollectDialog isOpen onClose={props.onClose} source={source} name={`${assessment.name}_lost`}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing={12}>
        <Select
          label={t("Whose rows")}
          data={candidates.map((one) => ({ value: one.candidateId, label: one.name }))}
          value={candidate}
          allowDeselect={false}
          onChange={(value) => value && setCandidate(value)}
        />
        <Select
          label={t("Which of them")}
          data={[
            ...(ticked.size > 0
              ? [{ value: "ticked", label: t("the {{count}} rows chosen", { count: ticked.size }) }]
              : []),
            { value: "wrong", label: t("all that it got wrong or failed at") },
            ...(hasOthers ? [{ value: "beaten", label: t("all on which another was better") }] : []),
          ]}
          value={which}
          allowDeselect={false}
          onChange={(value) => value && setWhich(value as Which)}
        />
        {hasOthers && assessment.reference !== null ? (
          <Select
            label={t("What is right")}
            data={[
              { value: "REFERENCE", label: t("the right answer of the dataset") },
              { value: "BETTER", label: t("the best answer of the others, where it scores higher") },
            ]}
            value={right}
            allowDeselect={false}
            onChange={(value) => value && setRight(value as Right)}
          />
        ) : null}
      </SimpleGrid>
    </CollectDialog>
  );
}
