// What a notification says, in the reader's language, and the words of its next action.

import { roleWord } from "../accounts/viewer.tsx";
import type { Notification } from "../api/runs-live.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { bytes } from "../ui/format.ts";
import type { Tone } from "../ui/status.tsx";

export type Kind = Notification["kind"];

/** The notification as a sentence. */
export function titleOf({ kind, name: told, message, by, role, bytes: left }: Notification): string {
  const name = said(told);
  switch (kind) {
    case "RUN_SUCCEEDED":
      return t("{{name}} is done", { name });
    case "RUN_FAILED":
      return t("{{name}} failed", { name });
    case "RUN_CANCELLED":
      return by ? t("{{by}} cancelled {{name}}", { by, name }) : t("{{name}} was cancelled", { name });
    case "MEMBER_JOINED":
      return t("{{name}} joined as {{role}}", { name, role: roleWord(role) });
    case "ROLE_CHANGED":
      return by
        ? t("{{by}} made you {{role}}", { by, role: roleWord(role) })
        : t("You are {{role}} now", { role: roleWord(role) });
    case "TRAINER_JOINED":
      return t("The trainer {{name}} checked in", { name });
    case "TRAINER_LOST":
      return t("The trainer {{name}} went silent in the middle of {{run}}", {
        name,
        run: said(message ?? ""),
      });
    case "DISK_LOW":
      return t("The disk is nearly full: {{size}} left", { size: bytes(left) });
    default:
      return name;
  }
}

/** What stands beneath the sentence: why a run failed. */
export const detailOf = ({ kind, message }: Notification): string | null =>
  kind === "RUN_FAILED" && message ? said(message) : null;

/** The words of the next action. */
export function nextOf({ next: { verb, name } }: Notification): string {
  switch (verb) {
    case "SAVE":
      return t("Save {{name}}", { name });
    case "DEPLOY":
      return t("Deploy {{name}}", { name });
    case "REGISTER":
      return t("Register {{name}}", { name });
    case "SEE_WHY":
      return t("See why");
    case "LOOK_AFTER":
      return t("Your account");
    case "FREE_SPACE":
      return t("See what takes space");
    default:
      return name ? t("Open {{name}}", { name }) : t("Open");
  }
}

export function toneOf(kind: Kind): Tone {
  if (kind === "RUN_SUCCEEDED") return "leaf";
  return kind === "RUN_FAILED" || kind === "TRAINER_LOST" || kind === "DISK_LOW" ? "red" : "plain";
}

/** What a kind tells, for the settings. */
export const kindWords: Record<Kind, string> = {
  RUN_SUCCEEDED: t("A run of mine is done"),
  RUN_FAILED: t("A run of mine failed"),
  RUN_CANCELLED: t("Somebody else cancelled a run of mine"),
  MEMBER_JOINED: t("Somebody joined a project that I look after"),
  ROLE_CHANGED: t("My role changed"),
  TRAINER_JOINED: t("A new trainer checked in"),
  TRAINER_LOST: t("A trainer went silent with a run in hand"),
  DISK_LOW: t("The disk is nearly full"),
};
