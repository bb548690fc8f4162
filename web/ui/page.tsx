// The frame of every page: crumb, title, one dismissible sentence, one primary action, content.
import { CloseButton, Group, Text, VisuallyHidden } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { Gate, type Scope } from "../accounts/viewer.tsx";
import { t } from "../i18n.ts";
import { EditableName, type Renamable } from "./rename.tsx";

export function Page(props: {
  title: string;
  /** The thing that the title names, where it can have another name. */
  thing?: Renamable | null;
  sentence?: string;
  action?: ReactNode;
  /** What the action takes; whoever's role has it not sees it disabled, with the role that has. */
  needs?: Scope;
  crumb?: { label: string; to: string };
  aside?: ReactNode;
  children: ReactNode;
}) {
  const [dismissed, setDismissed] = useLocalStorage<string[]>({
    key: "espalier-dismissed",
    defaultValue: [],
  });
  const { sentence } = props;
  useEffect(() => {
    document.title = `${props.title} · Espalier`;
  }, [props.title]);
  const heading = <h1>{props.title}</h1>;
  return (
    <div className="e-page">
      <Group justify="space-between" align="flex-start" mb={16} gap={12}>
        <div>
          {props.crumb ? (
            <Text size="xs" mb={4}>
              <Link to={props.crumb.to}>{props.crumb.label}</Link> <span className="e-muted">/</span>
            </Text>
          ) : null}
          <Group gap={12}>
            {props.thing ? (
              <EditableName
                key={props.thing.id}
                thing={props.thing}
                unseen={<VisuallyHidden component="h1">{props.title}</VisuallyHidden>}
              >
                {heading}
              </EditableName>
            ) : (
              heading
            )}
            {props.aside}
          </Group>
          {sentence && !dismissed.includes(sentence) ? (
            <Group gap={4} mt={4} wrap="nowrap">
              <Text size="sm" c="dimmed">
                {sentence}
              </Text>
              <CloseButton
                size="xs"
                aria-label={t("Do not show this sentence again")}
                onClick={() => setDismissed([...dismissed, sentence])}
              />
            </Group>
          ) : null}
        </div>
        {props.action && props.needs ? <Gate scope={props.needs}>{props.action}</Gate> : props.action}
      </Group>
      {props.children}
    </div>
  );
}
