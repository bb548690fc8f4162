// What takes something away asks first: it names what is lost with it; what the trash keeps can be undone at once.
import { Button, Group, List, Modal, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { kindOfNode, type LineageNode, More } from "./lineage.tsx";
import { ProblemNotice } from "./states.tsx";
import { deleteThing, sayDeleted } from "./trash.tsx";

/** A question with the way back first; it stays open, and says why, when the work fails. */
export function ConfirmDialog(props: {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  /** The button that does it, with verb and object. */
  confirm: string;
  run: () => Promise<void>;
}) {
  const work = useWork();
  const close = () => {
    work.setProblem(null);
    props.onClose();
  };
  return (
    <Modal opened={props.isOpen} onClose={close} title={props.title}>
      {props.children}
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Group justify="flex-end" mt={16}>
        <Button variant="default" onClick={close} data-autofocus>
          {t("Keep it")}
        </Button>
        <Button
          color="red.9"
          loading={work.isBusy}
          onClick={() =>
            work.run(async () => {
              await props.run();
              close();
            })
          }
        >
          {props.confirm}
        </Button>
      </Group>
    </Modal>
  );
}

/** A button that asks before it takes something away, naming what depends on it. */
export function ConfirmButton(props: {
  /** The button that opens the dialog. */
  button: string;
  title: string;
  /** What it means, in a sentence. */
  sentence?: string;
  confirm: string;
  /** What is said when it is done. */
  done: string;
  /** Id of what goes into the trash, so that it can come back at once. */
  undoId?: string;
  dependants?: readonly LineageNode[];
  /** How many they are; not all of them are named. */
  dependantCount?: number;
  run: () => Promise<void>;
  /** Where to go when the page of the thing is gone. */
  backTo?: string;
}) {
  const [isOpen, modal] = useDisclosure(false);
  const navigate = useNavigate();
  const dependants = props.dependants ?? [];
  return (
    <>
      <Gate scope="write">
        <Button variant="subtle" color="red" c="var(--e-red)" onClick={modal.open}>
          {props.button}
        </Button>
      </Gate>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={modal.close}
        title={props.title}
        confirm={props.confirm}
        run={async () => {
          await props.run();
          if (props.undoId) sayDeleted(props.done, [props.undoId]);
          else notifications.show({ message: props.done, color: "gray" });
          if (props.backTo) await navigate({ to: props.backTo });
        }}
      >
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
      </ConfirmDialog>
    </>
  );
}

/** Deletes a thing with what depends on it, into the trash. */
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
      dependants={props.dependants}
      dependantCount={props.dependantCount}
      backTo={props.backTo}
      done={t("{{name}} is deleted", { name })}
      undoId={props.id}
      run={async () => void (await act(deleteThing, { id: props.id, confirm: true }))}
    />
  );
}
