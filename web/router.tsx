// Every page and its address; the search part of an address holds filters, tabs, selection and comparison.
import { Button } from "@mantine/core";
import { createRootRoute, createRoute, createRouter, Link, Outlet } from "@tanstack/react-router";
import type { JSX } from "react";
import { SetupPage, SignInPage } from "./accounts/door.tsx";
import { SettingsPage } from "./accounts/settings-page.tsx";
import { toProblem } from "./api/errors.ts";
import { ChatPage } from "./chat/page.tsx";
import { DatasetPage } from "./datasets/detail-page.tsx";
import { DatasetsPage } from "./datasets/list-page.tsx";
import { t } from "./i18n.ts";
import { MapPage } from "./map/map-page.tsx";
import { BasePage, BasesPage } from "./models/base-pages.tsx";
import { LiveListPage, LivePage, RegisteredListPage, RegisteredPage } from "./models/live-pages.tsx";
import { CompleteListPage, CompletePage, CustomizedListPage, CustomizedPage } from "./models/made-pages.tsx";
import { RunPage, RunsPage, TrainersPage } from "./runs/pages.tsx";
import { Shell } from "./shell/shell.tsx";
import { TrainingPage, TrainingsPage } from "./training/pages.tsx";
import { StartTrainingPage } from "./training/start-page.tsx";
import { Page } from "./ui/page.tsx";
import { Empty, ProblemNotice } from "./ui/states.tsx";

const root = createRootRoute({ component: Outlet });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

const pages: [string, () => JSX.Element][] = [
  ["/", MapPage],
  ["/base-models", BasesPage],
  ["/base-models/$id", BasePage],
  ["/datasets", DatasetsPage],
  ["/datasets/$id", DatasetPage],
  ["/train", StartTrainingPage],
  ["/trainings", TrainingsPage],
  ["/trainings/$id", TrainingPage],
  ["/customized", CustomizedListPage],
  ["/customized/$id", CustomizedPage],
  ["/complete", CompleteListPage],
  ["/complete/$id", CompletePage],
  ["/live", LiveListPage],
  ["/live/$id", LivePage],
  ["/registered", RegisteredListPage],
  ["/registered/$id", RegisteredPage],
  ["/chat", ChatPage],
  ["/chat/$id", ChatPage],
  ["/runs", RunsPage],
  ["/runs/$id", RunPage],
  ["/trainers", TrainersPage],
  ["/settings", SettingsPage],
];

function NotFoundPage() {
  return (
    <Page title={t("Not found")}>
      <Empty
        title={t("There is no page here")}
        text={t("The address may be mistyped.")}
        action={
          <Button component={Link} to="/">
            {t("Open the process map")}
          </Button>
        }
      />
    </Page>
  );
}

function FailedPage(props: { error: unknown; reset: () => void }) {
  return (
    <Page title={t("This page failed")}>
      <ProblemNotice problem={toProblem(props.error)} onRetry={props.reset} />
    </Page>
  );
}

const tree = root.addChildren([
  createRoute({ getParentRoute: () => root, path: "/setup", component: SetupPage }),
  createRoute({ getParentRoute: () => root, path: "/sign-in", component: SignInPage }),
  shell.addChildren(
    pages.map(([path, component]) => createRoute({ getParentRoute: () => shell, path, component })),
  ),
]);

/** Search values stay plain strings, so that addresses read as people write them. */
const parseSearch = (text: string): Record<string, string> => Object.fromEntries(new URLSearchParams(text));
const stringifySearch = (search: Record<string, unknown>): string => {
  const entries = Object.entries(search).flatMap(([key, value]) =>
    value === undefined || value === null ? [] : [[key, String(value)] as [string, string]],
  );
  const text = new URLSearchParams(entries).toString();
  return text ? `?${text}` : "";
};

export const router = createRouter({
  routeTree: tree,
  parseSearch,
  stringifySearch,
  defaultNotFoundComponent: NotFoundPage,
  defaultErrorComponent: FailedPage,
  scrollRestoration: true,
});
