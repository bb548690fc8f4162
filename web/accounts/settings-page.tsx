// Settings: who you are, API keys (shown once, revocable) and colours.
import {
  Anchor,
  Button,
  Checkbox,
  Group,
  Modal,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { NotificationSettings } from "../notifications/settings.tsx";
import { WebhookSettings } from "../notifications/webhook.tsx";
import { LanguageSelect, rememberLanguage } from "../shell/language.tsx";
import { useLook } from "../shell/look.ts";
import { Copyable, Facts, Made, Surface, When } from "../ui/bits.tsx";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded, ProblemNotice } from "../ui/states.tsx";
import { Pill } from "../ui/status.tsx";
import { postAuth } from "./door.tsx";
import { UsageTable } from "./usage.tsx";
import { roleWord, useWhyNot } from "./viewer.tsx";

const keysQuery = graphql(`
  query ApiKeys($apiKeys: String) {
    apiKeys(first: 200, after: $apiKeys) { nodes { id name scopes prefix createdAt createdBy lastUsedAt revokedAt } pageInfo { hasNextPage endCursor } }
  }
`);
const aboutQuery = graphql(`
  query About { viewer { id name role project { id name } } version }
`);
const createApiKey = graphql(`
  mutation CreateApiKey($name: String!, $scopes: [String!]!) {
    createApiKey(name: $name, scopes: $scopes) {
      __typename ... on ApiKeySuccess { secret apiKey { id name } } ... on UserError { code message hint field value }
    }
  }
`);
const revokeApiKey = graphql(`
  mutation RevokeApiKey($id: ID!) {
    revokeApiKey(id: $id) {
      __typename ... on ApiKeySuccess { apiKey { id } } ... on UserError { code message hint field value }
    }
  }
`);

const scopeWords: [string, string][] = [
  ["read", t("See models, datasets, trainings, runs and their logs")],
  ["write", t("Import and delete datasets and models, save, export")],
  ["train", t("Start and cancel trainings")],
  ["serve", t("Deploy, stop, start, retire and register models")],
  ["chat", t("Talk to models, in conversations and at /v1")],
  ["gates", t("Make and remove gates, and override them with a reason")],
  ["trainer", t("Take training work of this project and deliver its results")],
  ["admin", t("Everything but what only owners may: keys and people included")],
  ["owner", t("Everything: projects and owners too")],
];

function CreateKey() {
  const [isOpen, modal] = useDisclosure(false);
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<string[]>(["read", "chat"]);
  const [secret, setSecret] = useState<string | null>(null);
  const work = useWork();
  const close = () => {
    modal.close();
    setSecret(null);
    setName("");
  };
  return (
    <>
      <Button onClick={modal.open}>{t("Create key")}</Button>
      <Modal opened={isOpen} onClose={close} title={secret ? t("Your new key") : t("Create an API key")}>
        {secret ? (
          <Stack gap={12}>
            <Text size="sm">{t("Copy it now: it is shown this once, and only its hash is kept.")}</Text>
            <Copyable text={secret} label={t("Copy the key")} />
            <Group justify="flex-end">
              <Button onClick={close}>{t("I have copied it")}</Button>
            </Group>
          </Stack>
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void work.run(async () => {
                const done = await act(createApiKey, { name: name.trim(), scopes });
                setSecret(done.secret);
              });
            }}
          >
            <Stack gap={12}>
              <TextInput
                label={t("Name")}
                description={t("Who or what will use it.")}
                required
                withAsterisk={false}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                data-autofocus
              />
              <Checkbox.Group label={t("What it may do")} value={scopes} onChange={setScopes}>
                <Stack gap={8} mt={8}>
                  {scopeWords.map(([scope, words]) => (
                    <Checkbox key={scope} value={scope} label={words} description={scope} />
                  ))}
                </Stack>
              </Checkbox.Group>
              {work.problem ? <ProblemNotice problem={work.problem} /> : null}
              <Group justify="flex-end">
                <Button
                  type="submit"
                  loading={work.isBusy}
                  disabled={scopes.length === 0}
                  title={scopes.length === 0 ? t("Pick at least one thing it may do.") : undefined}
                >
                  {t("Create key")}
                </Button>
              </Group>
            </Stack>
          </form>
        )}
      </Modal>
    </>
  );
}

function Keys() {
  const reading = useData(keysQuery, {});
  const work = useWork();
  return (
    <Loaded reading={reading}>
      {({ apiKeys }) => (
        <Stack gap={16}>
          {work.problem ? <ProblemNotice problem={work.problem} /> : null}
          {apiKeys.nodes.length === 0 ? (
            <Empty
              title={t("No key yet")}
              text={t("Programs, the command line and trainers elsewhere sign in with a key.")}
            />
          ) : (
            <List
              rows={apiKeys.nodes}
              label={t("API keys")}
              searchText={(row) => row.name}
              columns={[
                { key: "name", label: t("Name"), sortBy: (r) => r.name, cell: (r) => r.name },
                {
                  key: "prefix",
                  label: t("Begins with"),
                  cell: (r) => <span className="e-mono">{r.prefix}…</span>,
                },
                { key: "scopes", label: t("May"), cell: (r) => r.scopes.join(", ") },
                {
                  key: "created",
                  label: t("Made"),
                  sortBy: (r) => r.createdAt,
                  cell: (r) => <Made at={r.createdAt} by={r.createdBy} />,
                },
                { key: "used", label: t("Last used"), cell: (r) => <When at={r.lastUsedAt} /> },
                {
                  key: "revoke",
                  label: t("State"),
                  cell: (r) =>
                    r.revokedAt ? (
                      <Pill tone="plain">{t("revoked")}</Pill>
                    ) : (
                      <Button
                        size="compact-xs"
                        variant="default"
                        aria-label={t("Revoke {{name}}", { name: r.name })}
                        onClick={() => work.run(async () => void (await act(revokeApiKey, { id: r.id })))}
                      >
                        {t("Revoke")}
                      </Button>
                    ),
                },
              ]}
            />
          )}
          <UsageTable keys={apiKeys.nodes} />
        </Stack>
      )}
    </Loaded>
  );
}

export function SettingsPage() {
  const reading = useData(aboutQuery, {});
  const { look, choose } = useLook();
  const whyNoKeys = useWhyNot()("admin");
  const work = useWork();
  return (
    <Page
      title={t("Settings")}
      sentence={t("You, the keys of your programs, and how this looks.")}
      action={<CreateKey />}
      needs="admin"
    >
      <Loaded reading={reading}>
        {(data) => (
          <Stack gap={16}>
            <div>
              <Group justify="space-between" align="baseline">
                <h2>{t("API keys of this project")}</h2>
                <Anchor href="/graphql" target="_blank" size="sm">
                  {t("Try the API in GraphiQL")}
                </Anchor>
              </Group>
              {whyNoKeys === null ? <Keys /> : <Text size="sm">{whyNoKeys}</Text>}
            </div>
            <NotificationSettings />
            <WebhookSettings />
            <Surface title={t("Colours")}>
              <SegmentedControl
                aria-label={t("Colours")}
                value={look}
                onChange={choose}
                data={[
                  { value: "SYSTEM", label: t("As the system") },
                  { value: "LIGHT", label: t("Light") },
                  { value: "DARK", label: t("Dark") },
                ]}
              />
            </Surface>
            <Surface title={t("Language")}>
              <LanguageSelect remember={rememberLanguage} />
            </Surface>
            <Surface title={t("You")}>
              <Facts
                items={[
                  [t("Name"), data.viewer.name],
                  [t("Project"), data.viewer.project.name],
                  [t("Role"), roleWord(data.viewer.role)],
                  [t("Version"), data.version],
                ]}
              />
              {work.problem ? <ProblemNotice problem={work.problem} /> : null}
              <Group mt={12} gap={8}>
                <Button component={Link} to="/account" variant="default">
                  {t("Sessions and password")}
                </Button>
                <Button
                  variant="default"
                  onClick={() =>
                    work.run(async () => {
                      await postAuth("sign-out", {});
                      location.assign("/sign-in");
                    })
                  }
                >
                  {t("Sign out")}
                </Button>
              </Group>
            </Surface>
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}
