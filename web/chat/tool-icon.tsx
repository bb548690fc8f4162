// A small button under a message: an icon with its name, pressed where it stands for a choice.
import { ActionIcon } from "@mantine/core";
import type { ReactNode } from "react";

export function ToolIcon(props: { label: string; onClick: () => void; children: ReactNode; isOn?: boolean }) {
  return (
    <ActionIcon
      size="sm"
      variant={props.isOn ? "light" : "subtle"}
      color={props.isOn ? "leaf" : "gray"}
      aria-label={props.label}
      title={props.label}
      {...(props.isOn === undefined ? {} : { "aria-pressed": props.isOn })}
      onClick={props.onClick}
    >
      {props.children}
    </ActionIcon>
  );
}
