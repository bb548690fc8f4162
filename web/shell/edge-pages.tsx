// The pages at the edges: an address without a page, a page that broke, a page whose code is still on its way.
import { Button, Group } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { toProblem } from "../api/errors.ts";
import { t } from "../i18n.ts";
import { Page } from "../ui/page.tsx";
import { Empty, LoadingRows, ProblemNotice } from "../ui/states.tsx";
import { Mark } from "./mark.tsx";

const toMap = (
  <Button component={Link} to="/">
    {t("Open the process map")}
  </Button>
);

export function NotFoundPage() {
  return (
    <Page title={t("Not found")}>
      <Empty
        picture={<Mark size={40} />}
        title={t("There is no page here")}
        text={t("Nothing is kept at {{path}}. It may be mistyped, or what it showed was deleted.", {
          path: location.pathname,
        })}
        action={toMap}
      />
    </Page>
  );
}

/** In place of a page that the viewer's role does not open. */
export function ClosedPage(props: { why: string }) {
  return (
    <Page title={t("Not yours to open")}>
      <Empty
        picture={<Mark size={40} />}
        title={props.why}
        text={t("An admin of the project changes roles on the page People.")}
        action={toMap}
      />
    </Page>
  );
}

/** A page of an older build asks for code that an upgraded server no longer has; reading the page anew mends it. */
const isStale = (error: unknown): boolean =>
  error instanceof Error && /dynamically imported module|Importing a module script/i.test(error.message);

export function FailedPage(props: { error: unknown; reset: () => void }) {
  return (
    <Page title={t("This page failed")}>
      <ProblemNotice
        problem={
          isStale(props.error)
            ? {
                code: "PAGE_OUT_OF_DATE",
                message: t("The server was upgraded or is away, and this page is of before."),
                hint: t("Load it again."),
              }
            : toProblem(props.error)
        }
      />
      <Group mt={16} gap={8}>
        <Button onClick={() => (isStale(props.error) ? location.reload() : props.reset())}>
          {t("Try again")}
        </Button>
        <Button component={Link} to="/" variant="default" reloadDocument>
          {t("Open the process map")}
        </Button>
      </Group>
    </Page>
  );
}

export function LoadingPage() {
  return (
    <div className="e-page">
      <LoadingRows />
    </div>
  );
}
