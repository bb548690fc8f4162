// Projects: those you are in, with switching, making, renaming, archiving and restoring them.
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { Made } from "../ui/bits.tsx";
import { ConfirmDialog } from "../ui/confirm.tsx";
import { Page } from "../ui/page.tsx";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { Pill } from "../ui/status.tsx";
import { Table } from "../ui/table.tsx";
import { switchTo } from "./switch.ts";
import { Gate, roleWord } from "./viewer.tsx";

const projectsQuery = graphql(`
  query Projects { viewer { id projects { id name role isCurrent createdAt createdBy archivedAt archivedBy } } }
`);
const createProject = graphql(`
  mutation CreateProject($name: String!) {
    createProject(name: $name) { __typename ... on ProjectSuccess { project { id name } } ... on UserError { code message hint field value } }
  }
`);
const renameProject = graphql(`
  mutation RenameProject($name: String!) {
    renameProject(name: $name) { __typename ... on ProjectSuccess { project { id name } } ... on UserError { code message hint field value } }
  }
`);
const archiveProject = graphql(`
  mutation ArchiveProject {
    archiveProject { __typename ... on ProjectSuccess { project { id } } ... on UserError { code message hint field value } }
  }
`);
const restoreProject = graphql(`
  mutation RestoreProject($id: ID!) {
    restoreProject(id: $id) { __typename ... on ProjectSuccess { project { id } } ... on UserError { code message hint field value } }
  }
`);

/** A button whose dialog asks for a name. */
function NameDialog(props: {
  button: string;
  title: string;
  submit: string;
  name: string;
  isQuiet?: boolean;
  save: (name: string) => Promise<void>;
}) {
  const [isOpen, modal] = useDisclosure(false);
  const [name, setName] = useState(props.name);
  const work = useWork();
  return (
    <>
      <Button
        variant={props.isQuiet ? "default" : "filled"}
        onClick={() => {
          setName(props.name);
          modal.open();
        }}
      >
        {props.button}
      </Button>
      <Modal opened={isOpen} onClose={modal.close} title={props.title}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void work.run(async () => {
              await props.save(name);
              modal.close();
            });
          }}
        >
          <Stack gap={12}>
            <TextInput
              label={t("Name")}
              required
              withAsterisk={false}
              maxLength={80}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
            {work.problem ? <ProblemNotice problem={work.problem} /> : null}
            <Group justify="flex-end">
              <Button type="submit" loading={work.isBusy}>
                {props.submit}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

function Archive(props: { name: string }) {
  const [isOpen, modal] = useDisclosure(false);
  const { name } = props;
  return (
    <>
      <Button variant="subtle" color="red" c="var(--e-red)" onClick={modal.open}>
        {t("Archive {{name}}", { name })}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={modal.close}
        title={t("Archive {{name}}?", { name })}
        confirm={t("Archive")}
        run={async () => {
          await act(archiveProject, {});
          location.assign("/projects");
        }}
      >
        <Text size="sm">
          {t(
            "Everything in it stays, but nobody gets in and its keys stop working until an owner restores it.",
          )}
        </Text>
      </ConfirmDialog>
    </>
  );
}

export function ProjectsPage() {
  const reading = useData(projectsQuery, {});
  const work = useWork();
  const current = reading.data?.viewer.projects.find(({ isCurrent }) => isCurrent);
  return (
    <Page
      title={t("Projects")}
      sentence={t("Models, data, people and keys belong to one project, and nobody sees across.")}
      action={
        <Gate scope="owner">
          <NameDialog
            button={t("Make a project")}
            title={t("Make a project")}
            submit={t("Make it")}
            name=""
            save={async (name) => switchTo((await act(createProject, { name })).project.id)}
          />
        </Gate>
      }
    >
      <Loaded reading={reading}>
        {({ viewer }) => (
          <Stack gap={16}>
            {work.problem ? <ProblemNotice problem={work.problem} /> : null}
            <section className="e-surface e-scroll" aria-label={t("Projects")}>
              <Table
                rows={viewer.projects}
                idOf={(row) => row.id}
                columns={[
                  { label: t("Name"), cell: (row) => row.name },
                  { label: t("Your role"), cell: (row) => roleWord(row.role) },
                  { label: t("Made"), cell: (row) => <Made at={row.createdAt} by={row.createdBy} /> },
                  {
                    label: t("State"),
                    cell: (row) =>
                      row.isCurrent ? (
                        <Pill tone="leaf">{t("you are here")}</Pill>
                      ) : row.archivedAt ? (
                        <Group gap={8} wrap="nowrap">
                          <Pill tone="plain">{t("archived")}</Pill>
                          {row.role === "owner" ? (
                            <Button
                              size="compact-xs"
                              variant="default"
                              aria-label={t("Restore {{name}}", { name: row.name })}
                              onClick={() =>
                                work.run(async () => void (await act(restoreProject, { id: row.id })))
                              }
                            >
                              {t("Restore")}
                            </Button>
                          ) : null}
                        </Group>
                      ) : (
                        <Button
                          size="compact-xs"
                          variant="default"
                          aria-label={t("Switch to {{name}}", { name: row.name })}
                          onClick={() => work.run(() => switchTo(row.id))}
                        >
                          {t("Switch to")}
                        </Button>
                      ),
                  },
                ]}
              />
            </section>
            {current ? (
              <Gate scope="owner">
                <Group gap={8}>
                  <NameDialog
                    isQuiet
                    button={t("Rename {{name}}", { name: current.name })}
                    title={t("Rename {{name}}", { name: current.name })}
                    submit={t("Rename")}
                    name={current.name}
                    save={async (name) => void (await act(renameProject, { name }))}
                  />
                  <Archive name={current.name} />
                </Group>
              </Gate>
            ) : null}
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}
