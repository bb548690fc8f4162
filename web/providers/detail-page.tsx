// A provider: its models with their prices, what they were used for, a try, changes and removal.
import { Button, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { ChatButton } from "../models/actions.tsx";
import { said } from "../said.ts";
import { Facts, reachable, Surface } from "../ui/bits.tsx";
import { ConfirmButton } from "../ui/confirm.tsx";
import { count } from "../ui/format.ts";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { Table } from "../ui/table.tsx";
import { idFact, whenFact } from "../ui/things.tsx";
import { ProviderForm } from "./form.tsx";
import {
  dependantsQuery,
  type KindNode,
  type ProviderNode,
  providersQuery,
  removeProvider,
  testProvider,
  usageQuery,
} from "./queries.ts";
import { abilityText, dollars, kindTitle } from "./words.ts";

export function ProviderPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const reading = useData(providersQuery, {});
  const provider = reading.data?.providers.nodes.find((row) => row.id === id);
  const first = provider?.models.find(({ abilities }) => abilities.includes("TEXT"));
  return (
    <Page
      title={provider?.name ?? t("Provider")}
      crumb={{ label: t("Third-party models"), to: "/third-party" }}
      action={first ? <ChatButton model={first.name} variant="filled" /> : null}
    >
      <Loaded reading={reading}>
        {({ providerKinds, viewer }) =>
          provider ? (
            <Details provider={provider} kinds={providerKinds} isAdmin={viewer.scopes.includes("admin")} />
          ) : (
            <Empty title={t("No such provider")} text={t("It may have been removed.")} />
          )
        }
      </Loaded>
    </Page>
  );
}

function Details(props: { provider: ProviderNode; kinds: readonly KindNode[]; isAdmin: boolean }) {
  const { provider, isAdmin } = props;
  const [isOpen, form] = useDisclosure(false);
  return (
    <div className="e-columns">
      <Stack gap={16}>
        <Surface title={t("Models")}>
          {provider.models.length === 0 ? (
            <Text size="sm">{t("None chosen yet: change the provider to add some.")}</Text>
          ) : (
            <Models models={provider.models} />
          )}
        </Surface>
        {isAdmin ? <Used provider={provider} /> : null}
        <Surface title={t("What it is")}>
          <Facts
            items={[
              [t("Kind"), kindTitle(props.kinds, provider.kind)],
              [t("Address"), provider.url],
              [t("Key"), provider.hasKey ? t("kept, sealed") : t("none")],
              [
                t("Most requests a minute"),
                provider.requestsPerMinute === null ? t("no limit") : count(provider.requestsPerMinute),
              ],
              [t("Longest silence"), t("{{n}} s", { n: provider.timeoutMs / 1000 })],
              whenFact(t("Added"), provider.createdAt),
              idFact(provider.id),
            ]}
          />
        </Surface>
      </Stack>
      <Surface title={t("Next")}>
        <Stack gap={8}>
          {isAdmin ? (
            <>
              <Try provider={provider} />
              <Button variant="default" onClick={form.open}>
                {t("Change {{name}}", provider)}
              </Button>
              <Remove provider={provider} />
              <ProviderForm isOpen={isOpen} onClose={form.close} kinds={props.kinds} provider={provider} />
            </>
          ) : (
            <Text size="sm" c="dimmed">
              {t("Only an admin tries, changes or removes a provider.")}
            </Text>
          )}
        </Stack>
      </Surface>
    </div>
  );
}

/** Takes it away into the trash, naming its models and the knowledge bases that ask them. */
function Remove({ provider }: { provider: ProviderNode }) {
  const { data } = useData(dependantsQuery, { id: provider.id });
  const known = data?.node?.__typename === "Provider" ? data.node : null;
  const models = provider.models.map(({ id, name }) => ({ id, name, kind: "third-party", relation: "" }));
  return (
    <ConfirmButton
      button={t("Remove {{name}}", provider)}
      title={t("Remove {{name}}?", provider)}
      sentence={t(
        "It goes into the trash for seven days, its key still sealed. What was said with its models stays.",
      )}
      dependants={known?.dependants ?? models}
      dependantCount={known?.dependantCount ?? models.length}
      confirm={t("Remove {{name}}", provider)}
      done={t("{{name}} is removed", provider)}
      undoId={provider.id}
      run={async () => void (await act(removeProvider, { provider: provider.id }))}
      backTo="/third-party"
    />
  );
}

function Models(props: { models: ProviderNode["models"] }) {
  const hasImages = props.models.some(({ abilities }) => abilities.includes("IMAGE"));
  return (
    <section className="e-scroll" {...reachable} aria-label={t("Models")}>
      <Table
        rows={props.models}
        idOf={({ id }) => id}
        columns={[
          { label: t("Name"), cell: ({ name }) => name },
          { label: t("Can do"), cell: ({ abilities }) => abilityText(abilities) },
          { label: t("$ per million sent"), isNumber: true, cell: ({ prices }) => dollars(prices.input) },
          {
            label: t("$ per million received"),
            isNumber: true,
            cell: ({ prices }) => dollars(prices.output),
          },
          ...(hasImages
            ? [
                {
                  label: t("$ per image"),
                  isNumber: true,
                  cell: ({ prices }: ProviderNode["models"][number]) => dollars(prices.image),
                },
              ]
            : []),
        ]}
      />
    </section>
  );
}

/** Calls of the last thirty days, by model. */
function Used(props: { provider: ProviderNode }) {
  const [from] = useState(() => new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10));
  const reading = useData(usageQuery, { from });
  return (
    <Surface title={t("Used in the last 30 days")}>
      <Loaded reading={reading}>
        {({ usage }) => {
          const rows = props.provider.models.flatMap(({ name }) => {
            const days = usage.nodes.filter(({ model }) => model === name);
            const sum = (pick: (day: (typeof days)[number]) => number) =>
              days.reduce((total, day) => total + pick(day), 0);
            if (days.length === 0) return [];
            return [
              {
                name,
                requests: sum((day) => day.requests),
                tokens: sum((day) => day.inputTokens + day.outputTokens),
                cost: days.some(({ costUsd }) => costUsd !== null) ? sum((day) => day.costUsd ?? 0) : null,
              },
            ];
          });
          if (rows.length === 0) return <Text size="sm">{t("Not at all.")}</Text>;
          return (
            <Facts
              items={rows.map(({ name, requests, tokens, cost }) => [
                name,
                t("{{count}} calls, {{tokens}} tokens, {{cost}}", {
                  count: requests,
                  tokens: count(tokens),
                  cost: dollars(cost),
                }),
              ])}
            />
          );
        }}
      </Loaded>
    </Surface>
  );
}

function Try(props: { provider: ProviderNode }) {
  const work = useWork();
  const [tried, setTried] = useState<{ answer: string; latencyMs: number; model: string | null } | null>(
    null,
  );
  return (
    <>
      <Button
        variant="default"
        loading={work.isBusy}
        onClick={() => {
          setTried(null);
          void work.run(async () =>
            setTried(await act(testProvider, { provider: props.provider.id, model: null })),
          );
        }}
      >
        {t("Try {{name}}", props.provider)}
      </Button>
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      {tried ? (
        <div role="status">
          <Text size="sm" fw={600}>
            {t("It answered in {{n}} ms", { n: tried.latencyMs })}
          </Text>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {tried.answer ? said(tried.answer) : t("An empty reply.")}
          </Text>
        </div>
      ) : null}
    </>
  );
}
