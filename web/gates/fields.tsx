// In the dialogs that deploy or register: what each gate says before the button is pressed, and a reason to go past one.
import { Stack, Text, Textarea } from "@mantine/core";
import { useEffect, useState } from "react";
import { Gate, useWhyNot } from "../accounts/viewer.tsx";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { gateCheckQuery } from "./queries.ts";
import { GateResults } from "./results.tsx";

/** How a dialog stands with the gates: whether they block it now, and the reason that it sends along. */
export function useOverride() {
  const [isHeld, setHeld] = useState(false);
  const [reason, setReason] = useState("");
  const mayOverride = useWhyNot()("gates") === null;
  const given = isHeld && mayOverride ? reason.trim() : "";
  return {
    isHeld,
    setHeld,
    reason,
    setReason,
    isBlocked: isHeld && given === "",
    overrideReason: given === "" ? null : given,
  };
}

export function GateFields(props: { model: string; override: ReturnType<typeof useOverride> }) {
  const { isHeld, setHeld, reason, setReason } = props.override;
  const reading = useData(gateCheckQuery, { model: props.model });
  const check = reading.data?.gateCheck;
  const holds = check !== null && check !== undefined && !check.passes;
  useEffect(() => setHeld(holds), [holds, setHeld]);
  if (reading.problem) return <ProblemNotice problem={reading.problem} onRetry={reading.reload} />;
  if (reading.isLoading)
    return (
      <Text size="sm" c="dimmed" role="status">
        {t("Looking at the gates …")}
      </Text>
    );
  if (!check || check.results.length === 0) return null;
  return (
    <Stack gap={12}>
      <GateResults results={check.results} label={t("Gates")} />
      {isHeld ? (
        <Gate scope="gates">
          <Textarea
            label={t("Reason for going past the gate")}
            description={t("It is kept for ever, with your name and these figures.")}
            autosize
            minRows={2}
            maxRows={6}
            maxLength={1000}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </Gate>
      ) : null}
    </Stack>
  );
}
