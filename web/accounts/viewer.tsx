// Who is signed in and what their role lets them do here; what it does not is shown disabled, with the role that it takes.
import { Text } from "@mantine/core";
import { createContext, type ReactNode, type SyntheticEvent, useContext } from "react";
import { t } from "../i18n.ts";

export type Scope = "read" | "write" | "train" | "serve" | "chat" | "gates" | "trainer" | "admin" | "owner";
type Viewer = { name: string; role: string | null; scopes: readonly string[] };

/** Null while it is not known: nothing is disabled for that. */
export const ViewerContext = createContext<Viewer | null>(null);

/** The role that holds a scope; a test holds it to the server's table. */
export const roleOfScope: Record<Scope, string> = {
  read: "viewer",
  write: "member",
  train: "member",
  serve: "member",
  chat: "member",
  gates: "admin",
  trainer: "admin",
  admin: "admin",
  owner: "owner",
};

export const roleWord = (role: string | null): string => {
  const words: Record<string, string> = {
    viewer: t("viewer"),
    member: t("member"),
    admin: t("admin"),
    owner: t("owner"),
  };
  return words[role ?? ""] ?? "";
};

/** Says why somebody may not do what a scope opens; null where they may. */
export function whyNot(viewer: Viewer | null, scope: Scope): string | null {
  if (!viewer || viewer.scopes.includes(scope)) return null;
  return t("You are {{role}} in this project; this takes the role {{needed}}.", {
    role: roleWord(viewer.role),
    needed: roleWord(roleOfScope[scope]),
  });
}

/** The same for whoever is signed in. */
export function useWhyNot(): (scope: Scope) => string | null {
  const viewer = useContext(ViewerContext);
  return (scope) => whyNot(viewer, scope);
}

/** A fieldset disables buttons and fields, not links: those would still lead on by keyboard. */
function stay(event: SyntheticEvent): void {
  event.preventDefault();
  event.stopPropagation();
}

/** Disables every control within it, and says why, where the viewer's role does not open it. */
export function Gate(props: { scope: Scope; children: ReactNode }) {
  const why = useWhyNot()(props.scope);
  if (why === null) return props.children;
  return (
    <fieldset className="e-gate" disabled onClickCapture={stay}>
      {props.children}
      <Text size="xs" c="dimmed">
        {why}
      </Text>
    </fieldset>
  );
}
