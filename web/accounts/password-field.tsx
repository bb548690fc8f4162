// The field for a password: the one that somebody has, or a new one with what it must be.
import { PasswordInput } from "@mantine/core";
import { t } from "../i18n.ts";

export function PasswordField(props: {
  label: string;
  isNew: boolean;
  value: string;
  onChange: (value: string) => void;
  hasFocus?: boolean;
}) {
  return (
    <PasswordInput
      label={props.label}
      name="password"
      autoComplete={props.isNew ? "new-password" : "current-password"}
      {...(props.isNew ? { description: t("At least 8 characters."), minLength: 8 } : {})}
      required
      withAsterisk={false}
      autoFocus={props.hasFocus ?? false}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    />
  );
}
