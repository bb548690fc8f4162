// People: who is in the project and as what, open invitations, and what an admin can do for and about each person.
import { Button, Group, Menu, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDots } from "@tabler/icons-react";
import type { ResultOf } from "gql.tada";
import { type ReactNode, useContext, useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { Copyable, Made } from "../ui/bits.tsx";
import { useFocusBack } from "../ui/focus-back.ts";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { Pill } from "../ui/status.tsx";
import { Invitations } from "./invitations.tsx";
import { SessionList } from "./sessions.tsx";
import { Gate, roleWord, useWhyNot, ViewerContext } from "./viewer.tsx";

const peopleQuery = graphql(`
  query People($people: String) {
    people(first: 200, after: $people) { nodes { id name role isYou joinedAt joinedBy disabledAt disabledBy } pageInfo { hasNextPage endCursor } }
  }
`);
type Person = ResultOf<typeof peopleQuery>["people"]["nodes"][number];
const invitePerson = graphql(`
  mutation InvitePerson($role: String!, $note: String) {
    invitePerson(role: $role, note: $note) { __typename ... on InvitationSuccess { path invitation { id expiresAt } } ... on UserError { code message hint field value } }
  }
`);
const changeRole = graphql(`
  mutation ChangeRole($id: ID!, $role: String!) {
    changeRole(id: $id, role: $role) { __typename ... on PersonSuccess { person { id role } } ... on UserError { code message hint field value } }
  }
`);
const disablePerson = graphql(`
  mutation DisablePerson($id: ID!) {
    disablePerson(id: $id) { __typename ... on PersonSuccess { person { id } } ... on UserError { code message hint field value } }
  }
`);
const enablePerson = graphql(`
  mutation EnablePerson($id: ID!) {
    enablePerson(id: $id) { __typename ... on PersonSuccess { person { id } } ... on UserError { code message hint field value } }
  }
`);
const removePerson = graphql(`
  mutation RemovePerson($id: ID!) {
    removePerson(id: $id) { __typename ... on DeleteSuccess { id name } ... on UserError { code message hint field value } }
  }
`);
const resetPassword = graphql(`
  mutation ResetPassword($id: ID!) {
    resetPassword(id: $id) { __typename ... on ResetPasswordSuccess { path expiresAt } ... on UserError { code message hint field value } }
  }
`);
const sessionsQuery = graphql(`
  query PersonSessions($id: ID!) {
    node(id: $id) { __typename ... on Person { id sessions { id userAgent isCurrent createdAt lastUsedAt } } }
  }
`);

/** The roles, least first, with what each is for. */
const roles: [role: string, about: string][] = [
  ["viewer", t("Sees everything of the project and changes nothing.")],
  ["member", t("Imports, trains, deploys, chats and deletes.")],
  [
    "admin",
    t("Also invites people, changes their roles, disables them, makes keys, and makes or overrides gates."),
  ],
  ["owner", t("Also makes, renames and archives projects, and appoints owners.")],
];

/** The roles that the viewer may give: at most their own. */
function useRoles(): { value: string; label: string }[] {
  const own = useContext(ViewerContext)?.role;
  const most = roles.findIndex(([role]) => role === own);
  return roles.slice(0, most + 1).map(([role]) => ({ value: role, label: roleWord(role) }));
}

/** A link that is shown this once. */
function OneTimeLink(props: { path: string; sentence: string; onDone: () => void }) {
  return (
    <Stack gap={12}>
      <Text size="sm">{props.sentence}</Text>
      <Copyable text={new URL(props.path, location.origin).href} label={t("Copy the link")} />
      <Group justify="flex-end">
        <Button onClick={props.onDone}>{t("I have copied it")}</Button>
      </Group>
    </Stack>
  );
}

function Invite() {
  const [isOpen, modal] = useDisclosure(false);
  const [role, setRole] = useState("member");
  const [note, setNote] = useState("");
  const [path, setPath] = useState<string | null>(null);
  const choices = useRoles();
  const work = useWork();
  const close = () => {
    modal.close();
    setPath(null);
    setNote("");
  };
  return (
    <Gate scope="admin">
      <Button onClick={modal.open}>{t("Invite somebody")}</Button>
      <Modal opened={isOpen} onClose={close} title={path ? t("The invitation") : t("Invite somebody")}>
        {path ? (
          <OneTimeLink
            path={path}
            sentence={t(
              "Send this link to one person. It is shown this once, works once, and for seven days.",
            )}
            onDone={close}
          />
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void work.run(async () => setPath((await act(invitePerson, { role, note })).path));
            }}
          >
            <Stack gap={12}>
              <Select
                label={t("Role")}
                description={roles.find(([one]) => one === role)?.[1]}
                data={choices}
                value={role}
                onChange={(value) => setRole(value ?? role)}
                allowDeselect={false}
                comboboxProps={{ withinPortal: false }}
              />
              <TextInput
                label={t("For whom")}
                description={t("A reminder for you; they choose their name themselves.")}
                value={note}
                maxLength={200}
                onChange={(event) => setNote(event.currentTarget.value)}
              />
              {work.problem ? <ProblemNotice problem={work.problem} /> : null}
              <Group justify="flex-end">
                <Button type="submit" loading={work.isBusy}>
                  {t("Make the link")}
                </Button>
              </Group>
            </Stack>
          </form>
        )}
      </Modal>
    </Gate>
  );
}

type Doing = "reset" | "sessions" | "disable" | "remove";

function PersonDialog(props: { person: Person; doing: Doing; onClose: () => void }) {
  useFocusBack();
  const { person, doing, onClose } = props;
  const { id, name } = person;
  const [path, setPath] = useState<string | null>(null);
  const work = useWork();
  const sessions = useData(sessionsQuery, doing === "sessions" ? { id } : null);
  const titles: Record<Doing, string> = {
    reset: t("A new password for {{name}}", { name }),
    sessions: t("Where {{name}} is signed in", { name }),
    disable: t("Disable {{name}}?", { name }),
    remove: t("Remove {{name}} from the project?", { name }),
  };
  const ask = (sentence: string, button: string, run: () => Promise<unknown>): ReactNode => (
    <>
      <Text size="sm">{sentence}</Text>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Group justify="flex-end" mt={16}>
        <Button variant="default" onClick={onClose} data-autofocus>
          {t("Cancel")}
        </Button>
        <Button
          {...(doing === "reset" ? {} : { color: "red.9" })}
          loading={work.isBusy}
          onClick={() => work.run(async () => void (await run()))}
        >
          {button}
        </Button>
      </Group>
    </>
  );
  const closing = (run: () => Promise<unknown>) => async () => {
    await run();
    onClose();
  };
  const bodies: Record<Doing, () => ReactNode> = {
    reset: () =>
      path ? (
        <OneTimeLink
          path={path}
          sentence={t("Send this link to {{name}}. It is shown this once, works once, and for a day.", {
            name,
          })}
          onDone={onClose}
        />
      ) : (
        ask(
          t(
            "A link lets them choose a new one. Their password works until they do; then they are signed out everywhere.",
          ),
          t("Make the link"),
          async () => setPath((await act(resetPassword, { id })).path),
        )
      ),
    sessions: () => (
      <Loaded reading={sessions}>
        {({ node }) => (
          <SessionList personId={id} sessions={node?.__typename === "Person" ? node.sessions : []} />
        )}
      </Loaded>
    ),
    disable: () =>
      ask(
        t(
          "They are signed out at once everywhere, and their keys stop working, in all projects. What they made stays, and you can enable them again.",
        ),
        t("Disable {{name}}", { name }),
        closing(() => act(disablePerson, { id })),
      ),
    remove: () =>
      ask(
        t(
          "They see this project no more and their keys to it stop working. What they made stays. An invitation lets them in again.",
        ),
        t("Remove {{name}}", { name }),
        closing(() => act(removePerson, { id })),
      ),
  };
  return (
    <Modal opened onClose={onClose} title={titles[doing]} size={doing === "sessions" ? "lg" : "md"}>
      {bodies[doing]()}
    </Modal>
  );
}

export function PeoplePage() {
  const reading = useData(peopleQuery, {});
  const whyNot = useWhyNot()("admin");
  const choices = useRoles();
  const work = useWork();
  const [open, setOpen] = useState<{ person: Person; doing: Doing } | null>(null);
  const roleCell = (person: Person): ReactNode =>
    whyNot === null && choices.some(({ value }) => value === person.role) ? (
      <Select
        size="xs"
        w={120}
        aria-label={t("Role of {{name}}", { name: person.name })}
        data={choices}
        value={person.role}
        allowDeselect={false}
        onChange={(role) =>
          role && work.run(async () => void (await act(changeRole, { id: person.id, role })))
        }
      />
    ) : (
      roleWord(person.role)
    );
  const actions = (person: Person): ReactNode => (
    <Menu position="bottom-end" withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button
          size="compact-xs"
          variant="default"
          aria-label={t("What can be done about {{name}}", { name: person.name })}
          disabled={whyNot !== null}
          title={whyNot ?? undefined}
        >
          <IconDots size={14} aria-hidden />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => setOpen({ person, doing: "sessions" })}>{t("Sessions")}</Menu.Item>
        <Menu.Item onClick={() => setOpen({ person, doing: "reset" })}>{t("New password")}</Menu.Item>
        {person.disabledAt ? (
          <Menu.Item onClick={() => work.run(async () => void (await act(enablePerson, { id: person.id })))}>
            {t("Enable")}
          </Menu.Item>
        ) : (
          <Menu.Item disabled={person.isYou} onClick={() => setOpen({ person, doing: "disable" })}>
            {t("Disable")}
          </Menu.Item>
        )}
        <Menu.Item onClick={() => setOpen({ person, doing: "remove" })}>
          {t("Remove from the project")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
  return (
    <Page
      title={t("People")}
      sentence={t("Who works in this project, and what their roles let them do.")}
      action={<Invite />}
    >
      <Loaded reading={reading}>
        {({ people }) => (
          <Stack gap={16}>
            {work.problem ? <ProblemNotice problem={work.problem} /> : null}
            <List
              rows={people.nodes}
              label={t("People")}
              searchText={(row) => `${row.name} ${row.role}`}
              columns={[
                {
                  key: "name",
                  label: t("Name"),
                  sortBy: (r) => r.name,
                  cell: (r) => (
                    <Group gap={8} wrap="nowrap">
                      {r.name}
                      {r.isYou ? <Pill tone="plain">{t("you")}</Pill> : null}
                      {r.disabledAt ? <Pill tone="red">{t("disabled")}</Pill> : null}
                    </Group>
                  ),
                },
                { key: "role", label: t("Role"), sortBy: (r) => r.role, cell: roleCell },
                {
                  key: "joined",
                  label: t("Since"),
                  sortBy: (r) => r.joinedAt,
                  cell: (r) => <Made at={r.joinedAt} by={r.joinedBy} />,
                },
                { key: "actions", label: t("Do"), cell: actions },
              ]}
            />
            {whyNot === null ? <Invitations /> : null}
            <dl className="e-facts">
              {roles.map(([role, about]) => (
                <div key={role} style={{ display: "contents" }}>
                  <dt>{roleWord(role)}</dt>
                  <dd>{about}</dd>
                </div>
              ))}
            </dl>
          </Stack>
        )}
      </Loaded>
      {open ? <PersonDialog {...open} onClose={() => setOpen(null)} /> : null}
    </Page>
  );
}
