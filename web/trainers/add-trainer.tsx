// How to add a trainer: a dialog that makes a key and shows the command ready to run, then waits for the trainer to check in.
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { CodeBlock } from "../ui/bits.tsx";
import { ProblemNotice } from "../ui/states.tsx";

const trainersSeen = graphql(`
  query TrainersSeen { trainers(first: 20) { nodes { id name host status } } }
`);
const createTrainerKey = graphql(`
  mutation CreateTrainerKey($name: String!, $scopes: [String!]!) {
    createApiKey(name: $name, scopes: $scopes) {
      __typename ... on ApiKeySuccess { secret apiKey { id name } } ... on UserError { code message hint field value }
    }
  }
`);

/** Whether training work can be expected of it. */
export const isOnline = (trainer: { status: string }): boolean => trainer.status !== "away";

/** The command a person runs on the machine that shall train; its address is the one this page was opened at. */
export const trainerCommand = (token: string): string =>
  `espalier trainer --url ${location.origin} --token ${token}`;

function Waiting(props: { onClose: () => void }) {
  const online = useData(trainersSeen, {}).data?.trainers.nodes.find(isOnline);
  return (
    <Group justify="space-between" gap={12} role="status" wrap="nowrap">
      <Group gap={8} wrap="nowrap">
        <span className="e-dot" data-tone={online ? "leaf" : "amber"} aria-hidden />
        <Text size="sm">
          {online
            ? t("{{name}} on {{host}} has checked in.", online)
            : t(
                "Waiting for it to check in. The first start prepares its environment and takes some minutes.",
              )}
        </Text>
      </Group>
      {online ? <Button onClick={props.onClose}>{t("Done")}</Button> : null}
    </Group>
  );
}

export function AddTrainer(props: { isOpen: boolean; onClose: () => void }) {
  const [token, setToken] = useState<string | null>(null);
  const work = useWork();
  const close = () => {
    props.onClose();
    setToken(null);
  };
  const isHere = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
  return (
    <Modal opened={props.isOpen} onClose={close} title={t("Add a trainer")} size="lg">
      <Stack gap={16}>
        <Text size="sm">
          {t(
            "Training needs Python and time, so a trainer does it: the same executable, on this machine or on one with a GPU. It asks this server for work; nothing reaches into it. Chat, save, deploy and register work without one.",
          )}
        </Text>
        {token ? (
          <>
            <CodeBlock text={trainerCommand(token)} label={t("Copy the command")} />
            <Text size="xs" c="dimmed">
              {isHere
                ? t(
                    "The key is shown this once. For another machine, start the server with --host and --public-url, and open this page by that address.",
                  )
                : t("The key is shown this once. It may only take training work; revoke it in Settings.")}
            </Text>
            <Waiting onClose={close} />
          </>
        ) : (
          <>
            <CodeBlock text={trainerCommand("…")} label={t("Copy the command without a key")} />
            {work.problem ? <ProblemNotice problem={work.problem} /> : null}
            <Gate scope="admin">
              <Group justify="flex-end">
                <Button
                  loading={work.isBusy}
                  onClick={() =>
                    work.run(async () => {
                      const done = await act(createTrainerKey, { name: t("trainer"), scopes: ["trainer"] });
                      setToken(done.secret);
                    })
                  }
                >
                  {t("Make a key for it")}
                </Button>
              </Group>
            </Gate>
          </>
        )}
      </Stack>
    </Modal>
  );
}

/** A button that opens the dialog, for places where an action is missing its trainer. */
export function AddTrainerButton(props: { variant?: "filled" | "default" }) {
  const [isOpen, modal] = useDisclosure(false);
  return (
    <>
      <Button variant={props.variant ?? "default"} onClick={modal.open}>
        {t("Add a trainer")}
      </Button>
      <AddTrainer isOpen={isOpen} onClose={modal.close} />
    </>
  );
}
