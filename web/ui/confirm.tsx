// Things that cannot be undone ask first: they name what is lost with them, and only then act.
import { Button, Group, List, Modal, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { kindOfNode, type LineageNode, More } from "./lineage.tsx";
import { ProblemNotice } from "./states.tsx";

export const deleteThing = graphql(`
  mutation DeleteThing($id: ID!, $confirm: Boolean) {
    delete(id: $id, confirm: $confirm) {
      __typename
      ... on DeleteSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);

export type Loss = {
  /** The button that opens the dialog. */
  button: string;
  /** The question. */
  title: string;
  /** What it means, in a sentence. */
  sentence?: string;
  /** The button that does it, with verb and object. */
  confirm: string;
  /** What is said when it is done. */
  done: string;
  dependants?: readonly LineageNode[];
  /** How many they are; not all of them are named. */
  dependantCount?: number;
  run: () => Promise<void>;
  /** Where to go when the page of the thing is gone. */
  backTo?: string;
};

export function ConfirmButton(props: Loss) {
  const [isOpen, modal] = useDisclosure(false);
  const work = useWork();
  const navigate = useNavigate();
  const dependants = props.dependants ?? [];
  return (
    <>
      <Button variant="subtle" color="red" c="var(--e-red)" onClick={modal.open}>
        {props.button}
      </Button>
      <Modal opened={isOpen} onClose={modal.close} title={props.title}>
        {props.sentence ? <Text size="sm">{props.sentence}</Text> : null}
        {dependants.length > 0 ? (
          <>
            <Text size="sm" mt={props.sentence ? 8 : 0}>
              {t("These depend on it and stop working:")}
            </Text>
            <List size="sm" my={8}>
              {dependants.map((node) => (
                <List.Item key={node.id}>
                  {node.name} <span className="e-muted">({kindOfNode(node.kind)})</span>
                </List.Item>
              ))}
            </List>
            <More hidden={(props.dependantCount ?? 0) - dependants.length} />
          </>
        ) : (
          <Text size="sm" c="dimmed" mt={props.sentence ? 8 : 0}>
            {t("Nothing depends on it.")}
          </Text>
        )}
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end" mt={16}>
          <Button variant="default" onClick={modal.close} data-autofocus>
            {t("Keep it")}
          </Button>
          <Button
            color="red.9"
            loading={work.isBusy}
            onClick={() =>
              work.run(async () => {
                await props.run();
                modal.close();
                notifications.show({ message: props.done, color: "gray" });
                if (props.backTo) await navigate({ to: props.backTo });
              })
            }
          >
            {props.confirm}
          </Button>
        </Group>
      </Modal>
    </>
  );
}

export function DeleteButton(props: {
  id: string;
  name: string;
  dependants: readonly LineageNode[];
  dependantCount: number;
  backTo: string;
}) {
  const { name } = props;
  return (
    <ConfirmButton
      button={t("Delete")}
      title={t("Delete {{name}}?", { name })}
      confirm={t("Delete {{name}}", { name })}
      done={t("{{name}} is deleted", { name })}
      dependants={props.dependants}
      dependantCount={props.dependantCount}
      backTo={props.backTo}
      run={async () => void (await act(deleteThing, { id: props.id, confirm: true }))}
    />
  );
}
