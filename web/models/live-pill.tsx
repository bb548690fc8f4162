// How the status of a live model looks.
import { t } from "../i18n.ts";
import { Pill, type Tone } from "../ui/status.tsx";

type Status = "STARTING" | "LIVE" | "STOPPED" | "FAILED";
const tones: Record<Status, Tone> = { STARTING: "amber", LIVE: "leaf", STOPPED: "plain", FAILED: "red" };

export function LivePill(props: { status: Status }) {
  const words: Record<Status, string> = {
    STARTING: t("starting"),
    LIVE: t("live"),
    STOPPED: t("stopped"),
    FAILED: t("failed"),
  };
  return <Pill tone={tones[props.status]}>{words[props.status]}</Pill>;
}
