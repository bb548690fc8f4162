// From an assessment into a suite: one that is there, or a new one.
import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Gate } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { addToSuite, createSuite, suitesQuery } from "./queries.ts";

function Form(props: { assessmentId: string; onDone: () => void }) {
  const { data } = useData(suitesQuery, {});
  const [chosen, setChosen] = useState<string | null>(null);
  const [name, setName] = useState("");
  const work = useWork();
  const navigate = useNavigate();
  const suites = data?.suites.nodes ?? [];
  const add = async (): Promise<void> => {
    const { suite } =
      chosen === null
        ? await act(createSuite, { name: name.trim(), assessments: [props.assessmentId] })
        : await act(addToSuite, { suite: chosen, assessment: props.assessmentId });
    props.onDone();
    await navigate({ to: `/suites/${suite.id}` });
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(add);
      }}
    >
      <Stack gap={12}>
        {suites.length > 0 ? (
          <Select
            label={t("Suite")}
            placeholder={t("a new one")}
            data={suites.map((one) => ({ value: one.id, label: one.name }))}
            value={chosen}
            onChange={setChosen}
            clearable
          />
        ) : null}
        {chosen === null ? (
          <TextInput
            label={t("Name of the new suite")}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            data-autofocus
          />
        ) : null}
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end">
          <Button type="submit" loading={work.isBusy}>
            {chosen === null ? t("Create suite") : t("Add")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function AddToSuiteButton(props: { assessmentId: string }) {
  const [isOpen, modal] = useDisclosure(false);
  return (
    <Gate scope="write">
      <Button variant="default" onClick={modal.open} fullWidth>
        {t("Add to suite")}
      </Button>
      <Modal opened={isOpen} onClose={modal.close} title={t("Add to suite")}>
        <Form assessmentId={props.assessmentId} onDone={modal.close} />
      </Modal>
    </Gate>
  );
}
