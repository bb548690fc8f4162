// Delete that asks: names what would be lost with it, and only then does it.
import { Button, Group, List, Modal, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import type { LineageNode } from "./bits.tsx";
import { ProblemNotice } from "./states.tsx";

const deleteThing = graphql(`
  mutation DeleteThing($id: ID!, $confirm: Boolean) {
    delete(id: $id, confirm: $confirm) {
      __typename
      ... on DeleteSuccess { id name }
      ... on UserError { code message hint field value }
    }
  }
`);

export function DeleteButton(props: { id: string; name: string; dependants: LineageNode[]; backTo: string }) {
  const [isOpen, modal] = useDisclosure(false);
  const work = useWork();
  const navigate = useNavigate();
  return (
    <>
      <Button variant="subtle" color="red" c="var(--e-red)" onClick={modal.open}>
        {t("Delete")}
      </Button>
      <Modal opened={isOpen} onClose={modal.close} title={t("Delete {{name}}?", { name: props.name })}>
        {props.dependants.length > 0 ? (
          <>
            <Text size="sm">{t("These depend on it and stop working:")}</Text>
            <List size="sm" my={8}>
              {props.dependants.map((node) => (
                <List.Item key={node.id}>
                  {node.name} <span className="e-muted">({node.kind})</span>
                </List.Item>
              ))}
            </List>
          </>
        ) : (
          <Text size="sm" mb={8}>
            {t("Nothing depends on it.")}
          </Text>
        )}
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end" mt={16}>
          <Button variant="default" onClick={modal.close}>
            {t("Keep it")}
          </Button>
          <Button
            color="red.9"
            loading={work.isBusy}
            onClick={() =>
              work.run(async () => {
                await act(deleteThing, { id: props.id, confirm: true });
                modal.close();
                await navigate({ to: props.backTo });
              })
            }
          >
            {t("Delete {{name}}", { name: props.name })}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
