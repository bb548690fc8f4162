// Rows for a dataset out of lost answers or judged replies: what they are, where they go, and what they will look like.
import {
  Button,
  Checkbox,
  Group,
  Modal,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import type { ResultOf, VariablesOf } from "gql.tada";
import { type ReactNode, useMemo, useState } from "react";
import { z } from "zod";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { Cell } from "../datasets/cell.tsx";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { reachable } from "../ui/bits.tsx";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { collectPreviewQuery, collectRows, targetsQuery } from "./queries.ts";

type Input = VariablesOf<typeof collectPreviewQuery>["input"];
/** Where the rows come from. */
export type CollectSource = Pick<Input, "assessment" | "feedback">;
type As = Input["as"];
type Preview = ResultOf<typeof collectPreviewQuery>["collectPreview"];
type Target = ResultOf<typeof targetsQuery>["datasets"]["nodes"][number];

/** The column that says where a row came from: it is shown on the dataset's page, not in every card here. */
const PROVENANCE = "collected_from";
const splitFacts = z.object({ hasOwnSplits: z.boolean() });
const NEW = "";

function Rows({ rows }: { rows: readonly unknown[] }) {
  return (
    <section className="e-collected" aria-label={t("The first rows")} {...reachable}>
      {rows.map((row, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows of a preview have no other identity
        <dl key={at}>
          {Object.entries((row ?? {}) as Record<string, unknown>)
            .filter(([column]) => column !== PROVENANCE)
            .map(([column, value]) => [
              <dt key={`${column} name`}>{column}</dt>,
              <dd key={column}>
                <Cell value={value} />
              </dd>,
            ])}
        </dl>
      ))}
    </section>
  );
}

function Seen({ preview }: { preview: Preview }) {
  return (
    <Stack gap={8}>
      <Text size="sm" fw={600} aria-live="polite">
        {preview.rowCount === 0
          ? t("No row is left to add.")
          : t("{{count}} rows to add; those that the dataset holds already are left out.", {
              count: preview.rowCount,
            })}
      </Text>
      {preview.leftOut.map(({ code, reason, rows }) => (
        <Text key={code} size="xs" c="dimmed">
          {t("{{count}} left out: {{reason}}", { count: rows, reason: said(reason) })}
        </Text>
      ))}
      {preview.warnings.map(({ code, message }) => (
        <Text key={code} size="sm" className="e-collect-warning">
          {said(message)}
        </Text>
      ))}
      {preview.rows.length > 0 ? <Rows rows={preview.rows} /> : null}
    </Stack>
  );
}

/** The datasets that hold such rows: preferences among preferences, examples among whatever is trained on. */
function fits({ latest }: Target, as: As): boolean {
  return latest !== null && (latest.shape === "PREFERENCE") === (as === "PREFERENCES");
}

function Fields(props: { source: CollectSource; name: string; children: ReactNode }) {
  const [as, setAs] = useState<As>("EXAMPLES");
  const [into, setInto] = useState(NEW);
  const [name, setName] = useState(props.name);
  const [split, setSplit] = useState<string | null>(null);
  const [isSure, setSure] = useState(false);
  const targets = useData(targetsQuery, {});
  const work = useWork();
  const navigate = useNavigate();
  const target = targets.data?.datasets.nodes.find(({ id }) => id === into);
  const facts = splitFacts.safeParse(target?.latest?.statistics);
  const hasSplits = into === NEW || (facts.success && facts.data.hasOwnSplits);
  const input = useMemo(
    (): Input => ({
      ...props.source,
      as,
      ...(into === NEW ? { name: name.trim() } : { dataset: into }),
      split: hasSplits ? split : null,
    }),
    [props.source, as, into, name, hasSplits, split],
  );
  const [settled] = useDebouncedValue(input, 300);
  const isNamed = into !== NEW || name.trim() !== "";
  const preview = useData(collectPreviewQuery, isNamed ? { input: settled } : null);
  const seen = preview.data?.collectPreview;
  const needsConfirm = seen?.warnings.some((warning) => warning.needsConfirm) ?? false;
  const isReady = input === settled && seen !== undefined && seen.rowCount > 0 && (!needsConfirm || isSure);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void work.run(async () => {
          const { dataset } = await act(collectRows, { input: { ...input, confirm: isSure } });
          await navigate({ to: `/datasets/${dataset.id}` });
        });
      }}
    >
      <Stack gap={12}>
        {props.children}
        <div>
          <Text size="sm" fw={500} mb={4}>
            {t("What the rows are")}
          </Text>
          <SegmentedControl
            size="xs"
            aria-label={t("What the rows are")}
            value={as}
            onChange={(value) => {
              setAs(value === "PREFERENCES" ? "PREFERENCES" : "EXAMPLES");
              setInto(NEW);
            }}
            data={[
              { value: "EXAMPLES", label: t("examples to learn") },
              { value: "PREFERENCES", label: t("preferences: better and worse") },
            ]}
          />
        </div>
        {as === "PREFERENCES" ? (
          <Text size="xs" c="dimmed">
            {t("No training method learns from preferences yet: they are kept for one that does.")}
          </Text>
        ) : null}
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing={12}>
          <Select
            label={t("Where they go")}
            data={[
              { value: NEW, label: t("a new dataset") },
              ...(targets.data?.datasets.nodes ?? [])
                .filter((one) => fits(one, as))
                .map((one) => ({
                  value: one.id,
                  label: t("{{name}}, as version {{number}}", {
                    name: one.name,
                    number: (one.latest?.number ?? 0) + 1,
                  }),
                })),
            ]}
            value={into}
            allowDeselect={false}
            onChange={(value) => setInto(value ?? NEW)}
          />
          {into === NEW ? (
            <TextInput
              label={t("Name of the dataset")}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
          ) : null}
          {hasSplits ? (
            <Select
              label={t("Split")}
              data={[
                { value: "train", label: "train" },
                { value: "validation", label: "validation" },
                { value: "test", label: "test" },
              ]}
              placeholder={into === NEW ? t("none: all are learned") : "train"}
              clearable
              value={split}
              onChange={setSplit}
            />
          ) : null}
        </SimpleGrid>
        {split === "validation" || split === "test" ? (
          <Text size="xs" c="dimmed">
            {t("Rows of the splits validation and test are not learned.")}
          </Text>
        ) : null}
        {isNamed ? (
          <Loaded reading={preview} rows={4}>
            {(data) => <Seen preview={data.collectPreview} />}
          </Loaded>
        ) : (
          <Text size="sm" c="dimmed">
            {t("Name the dataset to see its rows.")}
          </Text>
        )}
        {needsConfirm ? (
          <Checkbox
            label={t("I know, and add them nevertheless")}
            checked={isSure}
            onChange={(event) => setSure(event.currentTarget.checked)}
          />
        ) : null}
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <Group justify="flex-end">
          <Button type="submit" loading={work.isBusy} disabled={!isReady}>
            {t("Add {{count}} rows", { count: seen?.rowCount ?? 0 })}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function CollectDialog(props: {
  isOpen: boolean;
  onClose: () => void;
  source: CollectSource;
  /** What a new dataset is called until somebody says otherwise. */
  name: string;
  /** What is chosen of the source. */
  children?: ReactNode;
}) {
  return (
    <Modal opened={props.isOpen} onClose={props.onClose} title={t("Make data of these rows")} size="lg">
      <Fields source={props.source} name={props.name}>
        {props.children}
      </Fields>
    </Modal>
  );
}
