// What can be done next with a model: save, deploy at a precision, register under an alias, export, chat.
import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDownload } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { deployModel, registerModel, saveModel } from "./queries.ts";

type Precision = "FP32" | "INT8" | "NATIVE";
const precisionWords: Record<Precision, string> = {
  FP32: t("fp32: exact, four bytes a weight"),
  INT8: t("int8: smaller and faster, nearly the same answers"),
  NATIVE: t("native: as the file holds it"),
};

export const precisionWord = (precision: Precision): string => precision.toLowerCase();

export function DeployButton(props: {
  id: string;
  name: string;
  precisions?: readonly Precision[];
  variant?: "filled" | "default";
}) {
  const [isOpen, modal] = useDisclosure(false);
  const choices = props.precisions ?? (["FP32", "INT8"] as const);
  const [precision, setPrecision] = useState<Precision>(choices[0] ?? "FP32");
  const [name, setName] = useState(`${props.name}-live`);
  const work = useWork();
  const navigate = useNavigate();
  return (
    <>
      <Button variant={props.variant ?? "filled"} onClick={modal.open}>
        {t("Deploy")}
      </Button>
      <Modal opened={isOpen} onClose={modal.close} title={t("Deploy {{name}}", { name: props.name })}>
        <Stack gap={12}>
          <TextInput
            label={t("Name of the live model")}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <Select
            label={t("Precision")}
            allowDeselect={false}
            data={choices.map((value) => ({ value, label: precisionWords[value] }))}
            value={precision}
            onChange={(value) => setPrecision((value ?? "FP32") as Precision)}
          />
          {work.problem ? <ProblemNotice problem={work.problem} /> : null}
          <Group justify="flex-end">
            <Button
              loading={work.isBusy}
              onClick={() =>
                work.run(async () => {
                  const done = await act(deployModel, {
                    input: { modelId: props.id, precision, name: name.trim() || null },
                  });
                  modal.close();
                  await navigate({ to: `/live/${done.live.id}` });
                })
              }
            >
              {t("Deploy {{name}}", { name: props.name })}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}

export function SaveButton(props: { id: string; name: string; variant?: "filled" | "default" }) {
  const [isOpen, modal] = useDisclosure(false);
  const [name, setName] = useState(`${props.name}-complete`);
  const work = useWork();
  const navigate = useNavigate();
  return (
    <>
      <Button variant={props.variant ?? "filled"} onClick={modal.open}>
        {t("Save as complete model")}
      </Button>
      <Modal opened={isOpen} onClose={modal.close} title={t("Save {{name}}", { name: props.name })}>
        <Stack gap={12}>
          <TextInput
            label={t("Name of the complete model")}
            description={t(
              "Base and adapter are merged, checked against each other, and kept as one folder.",
            )}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          {work.problem ? <ProblemNotice problem={work.problem} /> : null}
          <Group justify="flex-end">
            <Button
              loading={work.isBusy}
              onClick={() =>
                work.run(async () => {
                  const done = await act(saveModel, {
                    input: { customizedId: props.id, name: name.trim() || null },
                  });
                  modal.close();
                  await navigate({ to: `/runs/${done.run.id}` });
                })
              }
            >
              {t("Save {{name}}", { name: props.name })}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}

export function RegisterButton(props: {
  id: string;
  name: string;
  disabledReason?: string | null;
  variant?: "filled" | "default";
}) {
  const [isOpen, modal] = useDisclosure(false);
  const [alias, setAlias] = useState("");
  const work = useWork();
  const navigate = useNavigate();
  return (
    <>
      <Button
        onClick={modal.open}
        variant={props.variant ?? "filled"}
        disabled={Boolean(props.disabledReason)}
        title={props.disabledReason ?? undefined}
      >
        {t("Register")}
      </Button>
      <Modal opened={isOpen} onClose={modal.close} title={t("Register {{name}}", { name: props.name })}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void work.run(async () => {
              const done = await act(registerModel, { input: { liveId: props.id, alias: alias.trim() } });
              modal.close();
              await navigate({ to: `/registered/${done.registered.id}` });
            });
          }}
        >
          <Stack gap={12}>
            <TextInput
              label={t("Alias")}
              description={t("The stable name people and programs use, for example “support”.")}
              value={alias}
              required
              withAsterisk={false}
              onChange={(event) => setAlias(event.currentTarget.value)}
              data-autofocus
            />
            {work.problem ? <ProblemNotice problem={work.problem} /> : null}
            <Group justify="flex-end">
              <Button type="submit" loading={work.isBusy}>
                {t("Register {{name}}", { name: props.name })}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

export function ChatButton(props: { model: string; other?: string; variant?: "filled" | "default" }) {
  const search = new URLSearchParams({ model: props.model, ...(props.other ? { other: props.other } : {}) });
  return (
    <Button component={Link} to={`/chat?${search}`} variant={props.variant ?? "default"}>
      {props.other ? t("Compare with its base in chat") : t("Chat with it")}
    </Button>
  );
}

/** Downloads what the server packs on the way; `what` says what comes. */
export function ExportButton(props: { id: string; what: string }) {
  return (
    <Button
      component="a"
      href={`/files/${encodeURIComponent(props.id)}`}
      download
      variant="default"
      title={t("Downloads {{what}}", { what: props.what })}
      leftSection={<IconDownload size={16} aria-hidden />}
    >
      {t("Download")}
    </Button>
  );
}
