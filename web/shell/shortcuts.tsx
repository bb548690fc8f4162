// Keyboard shortcuts: `g` and a letter goes to a page, `?` shows them all.
import { Kbd, Modal } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Fragment, useEffect } from "react";
import { t } from "../i18n.ts";
import { deeds, places } from "./places.ts";

/** How long after `g` the second letter counts. */
const pairMs = 1200;

/** Whether a key press belongs to a field, a dialog or a menu rather than to the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target instanceof Element ? event.target : null;
  return (
    event.metaKey ||
    event.ctrlKey ||
    event.altKey ||
    Boolean(target?.closest("input, textarea, select, [role=dialog], [role=menu], [contenteditable]"))
  );
}

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
export const paletteKeys = isMac ? "⌘K" : "Ctrl K";

function useShortcuts(onHelp: () => void): void {
  const navigate = useNavigate();
  useEffect(() => {
    let goneAt = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      if (event.key === "?") {
        event.preventDefault();
        onHelp();
      } else if (event.timeStamp - goneAt < pairMs) {
        goneAt = Number.NEGATIVE_INFINITY;
        const place = [...places, ...deeds].find(({ key }) => key === event.key.toLowerCase());
        if (place) {
          event.preventDefault();
          void navigate({ to: place.to });
        }
      } else if (event.key === "g") goneAt = event.timeStamp;
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [navigate, onHelp]);
}

function Row(props: { keys: string[]; words: string }) {
  return (
    <>
      <dt>
        {props.keys.map((key) => (
          <Fragment key={key}>
            <Kbd size="sm">{key}</Kbd>{" "}
          </Fragment>
        ))}
      </dt>
      <dd>{props.words}</dd>
    </>
  );
}

export function Shortcuts(props: { isOpen: boolean; onOpen: () => void; onClose: () => void }) {
  useShortcuts(props.onOpen);
  return (
    <Modal opened={props.isOpen} onClose={props.onClose} title={t("Keyboard shortcuts")} size="lg">
      <div className="e-shortcuts">
        <div>
          <h3>{t("Anywhere")}</h3>
          <dl>
            <Row keys={[paletteKeys]} words={t("Go to anything by name")} />
            <Row keys={["?"]} words={t("These shortcuts")} />
            <Row keys={["Esc"]} words={t("Close a dialog or sheet")} />
          </dl>
          <h3>{t("In a list")}</h3>
          <dl>
            <Row keys={["/"]} words={t("Search")} />
            <Row keys={["j", "k"]} words={t("Next and previous row")} />
            <Row keys={["x"]} words={t("Select the row")} />
            <Row keys={["Enter"]} words={t("Open the row")} />
          </dl>
          <h3>{t("In chat")}</h3>
          <dl>
            <Row keys={["Enter"]} words={t("Send")} />
            <Row keys={["Shift Enter"]} words={t("New line")} />
            <Row keys={["Esc"]} words={t("Stop the reply")} />
          </dl>
          <h3>{t("In images")}</h3>
          <dl>
            <Row keys={["Ctrl Enter"]} words={t("Make the images")} />
            <Row keys={["←", "→"]} words={t("Previous and next image")} />
            <Row keys={["/"]} words={t("Search")} />
          </dl>
        </div>
        <div>
          <h3>{t("Go to")}</h3>
          <dl>
            {[...places, ...deeds].flatMap((place) =>
              place.key ? [<Row key={place.to} keys={["g", place.key]} words={place.name} />] : [],
            )}
          </dl>
        </div>
      </div>
    </Modal>
  );
}
