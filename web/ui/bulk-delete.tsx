// What can be done with the selected rows of a list: delete them, after a question that names what depends on them.
import { Button, Group, List, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { act } from "../api/client.ts";
import { refreshAll } from "../api/data.ts";
import { type Problem, toProblem } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "./states.tsx";
import { deleteThing, sayDeleted } from "./trash.tsx";

type Named = { id: string; name: string };

export function BulkDelete(props: { rows: Named[]; onCleared: () => void }) {
  const [isOpen, modal] = useDisclosure(false);
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<{ row: Named; problem: Problem }[]>([]);
  const left = refused.length > 0 ? refused.map(({ row }) => row) : props.rows;
  const close = () => {
    modal.close();
    setRefused([]);
  };
  const remove = async (confirm: boolean) => {
    setBusy(true);
    const failures: { row: Named; problem: Problem }[] = [];
    for (const row of left)
      await act(deleteThing, { id: row.id, confirm }).catch((thrown) =>
        failures.push({ row, problem: toProblem(thrown) }),
      );
    setBusy(false);
    setRefused(failures);
    refreshAll();
    const gone = left.filter((row) => !failures.some((one) => one.row.id === row.id)).map(({ id }) => id);
    const said = t("{{count}} things deleted", { count: gone.length });
    if (gone.length > 0) sayDeleted(said, gone);
    if (failures.length > 0) return;
    modal.close();
    props.onCleared();
  };
  const isBlocked = refused.length > 0 && refused.every(({ problem }) => problem.code === "HAS_DEPENDANTS");
  return (
    <>
      <Group gap={8} role="group" aria-label={t("Selected rows")}>
        <Text size="sm" fw={600}>
          {t("{{n}} selected", { n: props.rows.length })}
        </Text>
        <Button variant="default" c="var(--e-red)" onClick={modal.open}>
          {t("Delete selected")}
        </Button>
        <Button variant="subtle" color="gray" c="var(--e-muted)" onClick={props.onCleared}>
          {t("Clear selection")}
        </Button>
      </Group>
      <Modal opened={isOpen} onClose={close} title={t("Delete the selected?")}>
        <Stack gap={12}>
          {refused.length === 0 ? (
            <List size="sm">
              {props.rows.map((row) => (
                <List.Item key={row.id}>{row.name}</List.Item>
              ))}
            </List>
          ) : (
            refused.map(({ row, problem }) => <ProblemNotice key={row.id} problem={problem} />)
          )}
          <Text size="sm" c="dimmed">
            {isBlocked
              ? t("Deleting these takes what depends on them along.")
              : t("What something depends on is kept back and named first. It can be undone for seven days.")}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              {t("Keep them")}
            </Button>
            <Button color="red.9" loading={isBusy} onClick={() => void remove(isBlocked)}>
              {isBlocked ? t("Delete them with what depends on them") : t("Delete {{n}}", { n: left.length })}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
