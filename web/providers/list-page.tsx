// Third-party models: the providers that are connected, and how to connect one.
import { Button } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { List } from "../ui/list.tsx";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { createdColumn, nameColumn } from "../ui/things.tsx";
import { ProviderForm } from "./form.tsx";
import { providersQuery } from "./queries.ts";
import { kindTitle } from "./words.ts";

export function ProvidersPage() {
  const reading = useData(providersQuery, {});
  const search = useSearch({ strict: false }) as { add?: string };
  const navigate = useNavigate();
  const show = (add: string | undefined) =>
    void navigate({ to: ".", search: (old: Record<string, unknown>) => ({ ...old, add }), replace: true });
  const data = reading.data;
  const isAdmin = data?.viewer.scopes.includes("admin") === true;
  const button = (
    <Button
      onClick={() => show("1")}
      disabled={!isAdmin}
      title={isAdmin ? "" : t("Only an admin adds providers.")}
    >
      {t("Add a provider")}
    </Button>
  );
  return (
    <Page
      title={t("Third-party models")}
      sentence={t(
        "Models that somebody else serves, or a server of your own: usable wherever a model is chosen.",
      )}
      action={button}
    >
      <Loaded reading={reading}>
        {({ providers, providerKinds }) => (
          <>
            {providers.nodes.length === 0 ? (
              <Empty
                title={t("No provider yet")}
                text={t(
                  "Connect OpenAI, Anthropic, Google and others, or an Ollama on this machine. Nothing leaves this server before you do.",
                )}
                action={button}
              />
            ) : (
              <List
                rows={providers.nodes}
                label={t("Providers")}
                searchText={(row) =>
                  `${row.name} ${row.kind} ${row.models.map(({ name }) => name).join(" ")}`
                }
                openPath={(row) => `/third-party/${row.id}`}
                columns={[
                  nameColumn("/third-party"),
                  {
                    key: "kind",
                    label: t("Kind"),
                    sortBy: (row) => row.kind,
                    cell: (row) => kindTitle(providerKinds, row.kind),
                  },
                  {
                    key: "models",
                    label: t("Models"),
                    cell: (row) =>
                      row.models.length === 0 ? (
                        <Link to={`/third-party/${row.id}`}>{t("none chosen yet")}</Link>
                      ) : (
                        row.models.map(({ model }) => model).join(", ")
                      ),
                  },
                  createdColumn(t("Added")),
                ]}
              />
            )}
            <ProviderForm
              isOpen={search.add === "1" && isAdmin}
              onClose={() => show(undefined)}
              kinds={providerKinds}
              provider={null}
            />
          </>
        )}
      </Loaded>
    </Page>
  );
}
