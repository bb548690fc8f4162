// Of judged replies: those that are chosen, or all that are shown, become rows of a dataset.
import { Button, Checkbox } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useMemo, useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { t } from "../i18n.ts";
import { CollectDialog, type CollectSource } from "./dialog.tsx";

/** The box of each judgement, and the button that opens the dialog; without a box ticked it takes all of `shown`. */
export function useJudgedRows(shown: readonly { id: string }[]): {
  tick: (id: string) => ReactNode;
  button: ReactNode;
} {
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const [isOpen, dialog] = useDisclosure(false);
  const chosen = useMemo(
    () => (ticked.size > 0 ? shown.filter(({ id }) => ticked.has(id)) : shown).map(({ id }) => id),
    [shown, ticked],
  );
  const source = useMemo((): CollectSource => ({ feedback: { ids: chosen } }), [chosen]);
  const tick = (id: string) => (
    <Checkbox
      size="xs"
      aria-label={t("Choose this reply")}
      checked={ticked.has(id)}
      onChange={() =>
        setTicked((old) => {
          const next = new Set(old);
          if (!next.delete(id)) next.add(id);
          return next;
        })
      }
    />
  );
  const button = (
    <>
      <Gate scope="write">
        <Button variant="default" disabled={chosen.length === 0} onClick={dialog.open}>
          {t("Make data of {{count}} verdicts", { count: chosen.length })}
        </Button>
      </Gate>
      {isOpen ? <CollectDialog isOpen onClose={dialog.close} source={source} name="rated-replies" /> : null}
    </>
  );
  return { tick, button };
}
