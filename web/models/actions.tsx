// What can be done next with a model: save, deploy at a precision, register under an alias, export, chat.
import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDownload } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { GateFields, useOverride } from "../gates/fields.tsx";
import { t } from "../i18n.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { deployModel, generatedNameQuery, registerModel, saveModel } from "./queries.ts";

type Precision = "FP32" | "INT8" | "NATIVE";
const precisionWords: Record<Precision, string> = {
  FP32: t("fp32: exact, four bytes a weight"),
  INT8: t("int8: smaller and faster, nearly the same answers"),
  NATIVE: t("native: as the file holds it"),
};

export const precisionWord = (precision: Precision): string => precision.toLowerCase();

type Step = "TRAIN" | "SAVE" | "DEPLOY";

/** What a step would call what it makes of a model; empty until it is known. */
export function useGeneratedName(step: Step, model: string | null, precision?: Precision): string {
  const reading = useData(
    generatedNameQuery,
    model === null ? null : { model, step, precision: precision ?? null },
  );
  return reading.data?.generatedName ?? "";
}

/** A button whose dialog asks what a step needs to know, does the step, and goes to what comes of it. */
function StepButton(props: {
  button: string;
  title: string;
  /** The button that does it, with verb and object. */
  confirm: string;
  variant?: "filled" | "default" | undefined;
  disabledReason?: string | null | undefined;
  fields: ReactNode;
  /** True while it may not be done. */
  isBlocked?: boolean;
  /** Does the step; where to go then. */
  run: () => Promise<string>;
}) {
  const [isOpen, modal] = useDisclosure(false);
  const work = useWork();
  const navigate = useNavigate();
  return (
    <>
      <Button
        variant={props.variant ?? "filled"}
        onClick={modal.open}
        disabled={Boolean(props.disabledReason)}
        title={props.disabledReason ?? undefined}
      >
        {props.button}
      </Button>
      <Modal opened={isOpen} onClose={modal.close} title={props.title}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void work.run(async () => {
              const to = await props.run();
              modal.close();
              await navigate({ to });
            });
          }}
        >
          <Stack gap={12}>
            {props.fields}
            {work.problem ? <ProblemNotice problem={work.problem} /> : null}
            <Group justify="flex-end">
              <Button type="submit" loading={work.isBusy} disabled={props.isBlocked ?? false}>
                {props.confirm}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

/** The name of what a step makes of a model; left empty, the server generates the one that is shown. */
function StepName(props: {
  label: string;
  description?: string;
  step: Step;
  model: string;
  precision?: Precision;
  value: string;
  onChange: (name: string) => void;
}) {
  return (
    <TextInput
      label={props.label}
      description={props.description}
      placeholder={useGeneratedName(props.step, props.model, props.precision)}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
      data-autofocus
    />
  );
}

export function DeployButton(props: {
  id: string;
  name: string;
  precisions?: readonly Precision[];
  variant?: "filled" | "default";
}) {
  const choices = props.precisions ?? (["FP32", "INT8"] as const);
  const [precision, setPrecision] = useState<Precision>(choices[0] ?? "FP32");
  const [name, setName] = useState("");
  const override = useOverride();
  return (
    <StepButton
      button={t("Deploy")}
      title={t("Deploy {{name}}", { name: props.name })}
      confirm={t("Deploy {{name}}", { name: props.name })}
      variant={props.variant}
      fields={
        <>
          <StepName
            label={t("Name of the live model")}
            step="DEPLOY"
            model={props.id}
            precision={precision}
            value={name}
            onChange={setName}
          />
          <Select
            label={t("Precision")}
            allowDeselect={false}
            data={choices.map((value) => ({ value, label: precisionWords[value] }))}
            value={precision}
            onChange={(value) => setPrecision((value ?? "FP32") as Precision)}
          />
          <GateFields model={props.id} override={override} />
        </>
      }
      isBlocked={override.isBlocked}
      run={async () => {
        const { overrideReason } = override;
        const input = { modelId: props.id, precision, name: name.trim() || null, overrideReason };
        return `/live/${(await act(deployModel, { input })).live.id}`;
      }}
    />
  );
}

export function SaveButton(props: { id: string; name: string; variant?: "filled" | "default" }) {
  const [name, setName] = useState("");
  return (
    <StepButton
      button={t("Save as complete model")}
      title={t("Save {{name}}", { name: props.name })}
      confirm={t("Save {{name}}", { name: props.name })}
      variant={props.variant}
      fields={
        <StepName
          label={t("Name of the complete model")}
          description={t("Base and adapter are merged, checked against each other, and kept as one folder.")}
          step="SAVE"
          model={props.id}
          value={name}
          onChange={setName}
        />
      }
      run={async () => {
        const input = { customizedId: props.id, name: name.trim() || null };
        return `/runs/${(await act(saveModel, { input })).run.id}`;
      }}
    />
  );
}

export function RegisterButton(props: {
  id: string;
  name: string;
  disabledReason?: string | null;
  variant?: "filled" | "default";
}) {
  const [alias, setAlias] = useState("");
  const override = useOverride();
  return (
    <StepButton
      button={t("Register")}
      title={t("Register {{name}}", { name: props.name })}
      confirm={t("Register {{name}}", { name: props.name })}
      variant={props.variant}
      disabledReason={props.disabledReason}
      fields={
        <>
          <TextInput
            label={t("Alias")}
            description={t("The stable name people and programs use, for example “support”.")}
            value={alias}
            required
            withAsterisk={false}
            onChange={(event) => setAlias(event.currentTarget.value)}
            data-autofocus
          />
          <GateFields model={props.id} override={override} />
        </>
      }
      isBlocked={override.isBlocked}
      run={async () => {
        const { overrideReason } = override;
        const input = { liveId: props.id, alias: alias.trim(), overrideReason };
        return `/registered/${(await act(registerModel, { input })).registered.id}`;
      }}
    />
  );
}

export function ChatButton(props: { model: string; other?: string; variant?: "filled" | "default" }) {
  const names = [props.model, ...(props.other ? [props.other] : [])].map(encodeURIComponent);
  const search = new URLSearchParams({ models: names.join(",") });
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
