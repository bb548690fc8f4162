// The webhook of the project: address, what is posted, the secret that signs it, a test, and what became of the messages.
import { Button, Checkbox, Group, Modal, Stack, Table, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ResultOf } from "gql.tada";
import { useState } from "react";
import { useWhyNot } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { Copyable, reachable, Surface, When } from "../ui/bits.tsx";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import { Pill } from "../ui/status.tsx";
import { removeWebhook, renewWebhookSecret, setWebhook, testWebhook, webhookQuery } from "./queries.ts";
import { type Kind, kindWords } from "./words.ts";

type Webhook = ResultOf<typeof webhookQuery>["webhook"];
type Delivery = NonNullable<Webhook>["deliveries"][number];

export function WebhookSettings() {
  const why = useWhyNot()("admin");
  const reading = useData(webhookQuery, why === null ? {} : null);
  // Here, for the form begins anew once the address is another.
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Surface title={t("Webhook of this project")}>
      <Text size="sm" c="dimmed" mb={12}>
        {t(
          "Posts what happens here to an address of yours, as JSON signed with HMAC-SHA256 by the Standard Webhooks specification; tried again for hours until it is taken in.",
        )}
      </Text>
      {why === null ? (
        <Loaded reading={reading} rows={2}>
          {({ webhook }) => <WebhookForm key={webhook?.url ?? ""} webhook={webhook} onSecret={setSecret} />}
        </Loaded>
      ) : (
        <Text size="sm">{why}</Text>
      )}
      <Modal opened={secret !== null} onClose={() => setSecret(null)} title={t("The signing secret")}>
        <Stack gap={12}>
          <Text size="sm">
            {t(
              "Copy it now: it is shown this once. Whoever receives the messages checks their signature with it.",
            )}
          </Text>
          <Copyable text={secret ?? ""} label={t("Copy the secret")} />
          <Group justify="flex-end">
            <Button onClick={() => setSecret(null)}>{t("I have copied it")}</Button>
          </Group>
        </Stack>
      </Modal>
    </Surface>
  );
}

function WebhookForm(props: { webhook: Webhook; onSecret: (secret: string | null) => void }) {
  const { webhook, onSecret } = props;
  const all = Object.keys(kindWords) as Kind[];
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [kinds, setKinds] = useState<string[]>(webhook ? [...webhook.kinds] : all);
  const [isSure, sure] = useDisclosure(false);
  const work = useWork();
  const save = (allowPrivate: boolean) =>
    work.run(async () => {
      const done = await act(setWebhook, {
        input: { url: url.trim(), kinds: kinds as Kind[], allowPrivate },
      });
      onSecret(done.secret);
    });
  const isPrivate = work.problem?.code === "ADDRESS_PRIVATE";
  return (
    <Stack gap={12}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save(false);
        }}
      >
        <Stack gap={12}>
          <TextInput
            label={t("Address")}
            placeholder="https://example.com/hooks/espalier"
            value={url}
            onChange={(event) => setUrl(event.currentTarget.value)}
          />
          <Checkbox.Group label={t("What is posted")} value={kinds} onChange={setKinds}>
            <div className="e-checks">
              {all.map((kind) => (
                <Checkbox key={kind} value={kind} label={postedWords[kind]} />
              ))}
            </div>
          </Checkbox.Group>
          {work.problem ? <ProblemNotice problem={work.problem} /> : null}
          <Group gap={8}>
            <Button
              type="submit"
              variant="default"
              loading={work.isBusy}
              disabled={url.trim() === ""}
              title={url.trim() === "" ? t("Enter an address first.") : undefined}
            >
              {webhook ? t("Keep the changes") : t("Set the webhook")}
            </Button>
            {isPrivate ? (
              <Button variant="default" onClick={() => void save(true)}>
                {t("Allow {{place}}", { place: work.problem?.value ?? "" })}
              </Button>
            ) : null}
            {webhook ? (
              <>
                <Button
                  variant="default"
                  disabled={work.isBusy}
                  onClick={() => work.run(async () => void (await act(testWebhook, {})))}
                >
                  {t("Send a test")}
                </Button>
                <Button
                  variant="default"
                  disabled={work.isBusy}
                  onClick={() => work.run(async () => onSecret((await act(renewWebhookSecret, {})).secret))}
                >
                  {t("Make a new secret")}
                </Button>
                <Button variant="default" disabled={work.isBusy} onClick={sure.open}>
                  {t("Remove the webhook")}
                </Button>
              </>
            ) : null}
          </Group>
        </Stack>
      </form>
      {webhook && webhook.deliveries.length > 0 ? <Deliveries all={webhook.deliveries} /> : null}
      <Modal opened={isSure} onClose={sure.close} title={t("Remove the webhook")}>
        <Stack gap={12}>
          <Text size="sm">
            {t("Nothing is posted to {{url}} any more, and its secret and messages are forgotten.", {
              url: webhook?.url ?? "",
            })}
          </Text>
          <Group justify="flex-end">
            <Button
              color="red"
              onClick={() => {
                sure.close();
                void work.run(async () => void (await act(removeWebhook, {})));
              }}
            >
              {t("Remove the webhook")}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Stack>
  );
}

const postedWords: Record<Kind, string> = {
  RUN_SUCCEEDED: t("A run is done"),
  RUN_FAILED: t("A run failed"),
  RUN_CANCELLED: t("A run was cancelled"),
  MEMBER_JOINED: t("Somebody joined"),
  ROLE_CHANGED: t("A role changed"),
  TRAINER_JOINED: t("A new trainer checked in"),
  TRAINER_LOST: t("A trainer went silent with a run in hand"),
  DISK_LOW: t("The disk is nearly full"),
};

function Deliveries({ all }: { all: readonly Delivery[] }) {
  const wordOf = (kind: string): string =>
    kind === "test" ? t("A test") : (postedWords[kind.toUpperCase().replaceAll("-", "_") as Kind] ?? kind);
  return (
    <section className="e-scroll" {...reachable} aria-label={t("Latest messages")}>
      <Table fz={14} verticalSpacing={6} miw={520}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("Message")}</Table.Th>
            <Table.Th>{t("State")}</Table.Th>
            <Table.Th>{t("Tries")}</Table.Th>
            <Table.Th>{t("When")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {all.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td>{wordOf(one.kind)}</Table.Td>
              <Table.Td>
                <DeliveryPill one={one} />{" "}
                <span className="e-muted">
                  {one.status === null ? said(one.error ?? "") : `HTTP ${one.status}`}
                </span>
              </Table.Td>
              <Table.Td>{one.attempts}</Table.Td>
              <Table.Td>
                <When at={one.triedAt ?? one.createdAt} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

function DeliveryPill({ one }: { one: Delivery }) {
  if (one.nextAt !== null)
    return <Pill tone="amber">{one.attempts > 0 ? t("tried again") : t("on its way")}</Pill>;
  return one.error === null ? (
    <Pill tone="leaf">{t("taken in")}</Pill>
  ) : (
    <Pill tone="red">{t("not taken in")}</Pill>
  );
}
