// Where somebody is signed in: each browser with its end, and all of them at once.
import { Button, Group, Stack, Text } from "@mantine/core";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { When } from "../ui/bits.tsx";
import { ProblemNotice } from "../ui/states.tsx";
import { Pill } from "../ui/status.tsx";

const endSession = graphql(`
  mutation EndSession($id: ID!) {
    endSession(id: $id) { __typename ... on SessionsSuccess { ended } ... on UserError { code message hint field value } }
  }
`);
const endSessions = graphql(`
  mutation EndSessions($personId: ID) {
    endSessions(personId: $personId) { __typename ... on SessionsSuccess { ended } ... on UserError { code message hint field value } }
  }
`);

type Session = {
  id: string;
  userAgent: string;
  isCurrent: boolean;
  createdAt: string;
  lastUsedAt: string | null;
};

/** "Firefox on Linux" of what a browser calls itself; its own words where they say neither. */
export function browserName(userAgent: string): string {
  const browser = /(Edg|OPR|Firefox|HeadlessChrome|Chrome|Safari)(?:\/|$)/.exec(userAgent)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(userAgent)?.[1];
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", HeadlessChrome: "Chrome" };
  const known = [browser && (names[browser] ?? browser), system === "Mac OS X" ? "macOS" : system];
  const [name, where] = known;
  if (name && where) return t("{{browser}} on {{system}}", { browser: name, system: where });
  return name ?? where ?? (userAgent.slice(0, 60) || t("unknown program"));
}

/** `personId` is unsaid for one's own. */
export function SessionList(props: { sessions: readonly Session[]; personId?: string }) {
  const work = useWork();
  const { sessions, personId } = props;
  const others = sessions.filter(({ isCurrent }) => !isCurrent);
  return (
    <Stack gap={12}>
      {sessions.length === 0 ? <Text size="sm">{t("Signed in nowhere.")}</Text> : null}
      {sessions.map((session) => (
        <Group key={session.id} justify="space-between" wrap="nowrap" gap={12}>
          <div>
            <Group gap={8}>
              <Text size="sm" fw={600} title={session.userAgent}>
                {browserName(session.userAgent)}
              </Text>
              {session.isCurrent ? <Pill tone="leaf">{t("this one")}</Pill> : null}
            </Group>
            <Text size="xs" c="dimmed">
              {t("Signed in")} <When at={session.createdAt} />, {t("last used")}{" "}
              <When at={session.lastUsedAt ?? session.createdAt} />
            </Text>
          </div>
          {session.isCurrent ? null : (
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => work.run(async () => void (await act(endSession, { id: session.id })))}
            >
              {t("Sign out")}
            </Button>
          )}
        </Group>
      ))}
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      {others.length > 1 || (personId !== undefined && others.length > 0) ? (
        <Group justify="flex-end">
          <Button
            variant="default"
            loading={work.isBusy}
            onClick={() =>
              work.run(async () => void (await act(endSessions, personId === undefined ? {} : { personId })))
            }
          >
            {personId === undefined ? t("Sign out everywhere else") : t("Sign out everywhere")}
          </Button>
        </Group>
      ) : null}
    </Stack>
  );
}
