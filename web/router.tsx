// Every page and its address; the search part of an address holds filters, tabs, selection and comparison.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  type RouteComponent,
} from "@tanstack/react-router";
import { readAhead } from "./api/data.ts";
import { assessmentQuery } from "./assessments/queries.ts";
import { MapPage } from "./map/map-page.tsx";
import { FailedPage, LoadingPage, NotFoundPage } from "./shell/edge-pages.tsx";
import { Shell } from "./shell/shell.tsx";

const root = createRootRoute({ component: Outlet });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

/** One component for both of its addresses: the first message gives a conversation its own, and must not remount it. */
const chatPage = lazyRouteComponent(() => import("./chat/page.tsx"), "ChatPage");

/** The first page is in the first file that the browser reads; each other one comes when it is about to be seen. */
const pages: [string, RouteComponent][] = [
  ["/", MapPage],
  ["/dashboard", lazyRouteComponent(() => import("./dashboard/page.tsx"), "DashboardPage")],
  ["/base-models", lazyRouteComponent(() => import("./models/base-pages.tsx"), "BasesPage")],
  ["/base-models/$id", lazyRouteComponent(() => import("./models/base-pages.tsx"), "BasePage")],
  ["/datasets", lazyRouteComponent(() => import("./datasets/list-page.tsx"), "DatasetsPage")],
  ["/datasets/$id", lazyRouteComponent(() => import("./datasets/detail-page.tsx"), "DatasetPage")],
  ["/train", lazyRouteComponent(() => import("./training/start-page.tsx"), "StartTrainingPage")],
  ["/trainings", lazyRouteComponent(() => import("./training/list-page.tsx"), "TrainingsPage")],
  ["/trainings/$id", lazyRouteComponent(() => import("./training/detail-page.tsx"), "TrainingPage")],
  ["/customized", lazyRouteComponent(() => import("./models/made-pages.tsx"), "CustomizedListPage")],
  ["/customized/$id", lazyRouteComponent(() => import("./models/made-pages.tsx"), "CustomizedPage")],
  ["/complete", lazyRouteComponent(() => import("./models/made-pages.tsx"), "CompleteListPage")],
  ["/complete/$id", lazyRouteComponent(() => import("./models/made-pages.tsx"), "CompletePage")],
  ["/live", lazyRouteComponent(() => import("./models/live-pages.tsx"), "LiveListPage")],
  ["/live/$id", lazyRouteComponent(() => import("./models/live-pages.tsx"), "LivePage")],
  ["/registered", lazyRouteComponent(() => import("./models/registered-pages.tsx"), "RegisteredListPage")],
  ["/registered/$id", lazyRouteComponent(() => import("./models/registered-pages.tsx"), "RegisteredPage")],
  ["/third-party", lazyRouteComponent(() => import("./providers/list-page.tsx"), "ProvidersPage")],
  ["/third-party/$id", lazyRouteComponent(() => import("./providers/detail-page.tsx"), "ProviderPage")],
  ["/knowledge", lazyRouteComponent(() => import("./knowledge/list-page.tsx"), "KnowledgePage")],
  ["/knowledge/$id", lazyRouteComponent(() => import("./knowledge/detail-page.tsx"), "KnowledgeBasePage")],
  [
    "/knowledge/$id/documents/$document",
    lazyRouteComponent(() => import("./knowledge/document-page.tsx"), "DocumentPage"),
  ],
  ["/chat", chatPage],
  ["/chat/$id", chatPage],
  ["/rated", lazyRouteComponent(() => import("./chat/rated-page.tsx"), "RatedPage")],
  ["/assessments", lazyRouteComponent(() => import("./assessments/list-page.tsx"), "AssessmentsPage")],
  ["/assessments/$id", lazyRouteComponent(() => import("./assessments/detail-page.tsx"), "AssessmentPage")],
  ["/assessments/$id/rate", lazyRouteComponent(() => import("./assessments/rate-page.tsx"), "RatePage")],
  ["/assess", lazyRouteComponent(() => import("./assessments/start-page.tsx"), "StartAssessmentPage")],
  ["/gates", lazyRouteComponent(() => import("./gates/page.tsx"), "GatesPage")],
  [
    "/assess/factorial",
    lazyRouteComponent(() => import("./assessments/factorial-page.tsx"), "FactorialPage"),
  ],
  ["/suites", lazyRouteComponent(() => import("./suites/list-page.tsx"), "SuitesPage")],
  ["/suites/$id", lazyRouteComponent(() => import("./suites/detail-page.tsx"), "SuitePage")],
  ["/images", lazyRouteComponent(() => import("./images/page.tsx"), "ImagesPage")],
  ["/runs", lazyRouteComponent(() => import("./runs/pages.tsx"), "RunsPage")],
  ["/runs/$id", lazyRouteComponent(() => import("./runs/pages.tsx"), "RunPage")],
  ["/trash", lazyRouteComponent(() => import("./trash/page.tsx"), "TrashPage")],
  ["/trainers", lazyRouteComponent(() => import("./trainers/page.tsx"), "TrainersPage")],
  ["/people", lazyRouteComponent(() => import("./accounts/people-page.tsx"), "PeoplePage")],
  ["/projects", lazyRouteComponent(() => import("./accounts/projects-page.tsx"), "ProjectsPage")],
  ["/account", lazyRouteComponent(() => import("./accounts/account-page.tsx"), "AccountPage")],
  ["/settings", lazyRouteComponent(() => import("./accounts/settings-page.tsx"), "SettingsPage")],
  ["$", NotFoundPage],
];

const tree = root.addChildren([
  createRoute({
    getParentRoute: () => root,
    path: "/setup",
    component: lazyRouteComponent(() => import("./accounts/door.tsx"), "SetupPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/sign-in",
    component: lazyRouteComponent(() => import("./accounts/door.tsx"), "SignInPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/join",
    component: lazyRouteComponent(() => import("./accounts/link-pages.tsx"), "JoinPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/reset",
    component: lazyRouteComponent(() => import("./accounts/link-pages.tsx"), "ResetPage"),
  }),
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
  defaultErrorComponent: FailedPage,
  defaultPendingComponent: LoadingPage,
  defaultPreload: "intent",
  scrollRestoration: true,
});

/** What pages read first that takes the server a while. */
const ahead: Record<string, (params: Record<string, string>) => void> = {
  "/assessments/$id": ({ id = "" }) => readAhead(assessmentQuery, { id }),
};

/** Asks for the code and the data of the page that the browser was opened at, before anything is drawn. */
export function beginPage(): void {
  const [, params, found] = router.getMatchedRoutes(location.pathname);
  ahead[found?.fullPath]?.(params);
  void router.preloadRoute({ to: location.pathname as never });
}
