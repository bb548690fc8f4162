// Which knowledge bases a conversation is answered from: chosen beside the composer.
import { ActionIcon, Checkbox, Indicator, Popover, Stack, Text } from "@mantine/core";
import { IconBooks } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { t } from "../i18n.ts";

export type KnowledgeChoice = {
  all: readonly { id: string; name: string }[];
  /** Ids. */
  chosen: readonly string[];
  onChoose: (ids: string[]) => void;
};

export function KnowledgeButton({ all, chosen, onChoose }: KnowledgeChoice) {
  return (
    <Popover position="top-start" width={300} trapFocus withRoles={false}>
      <Popover.Target>
        <Indicator label={chosen.length} size={16} color="leaf.8" disabled={chosen.length === 0}>
          <ActionIcon
            size={36}
            variant="subtle"
            color="gray"
            aria-label={t("Knowledge bases")}
            title={t("Knowledge bases")}
          >
            <IconBooks size={18} />
          </ActionIcon>
        </Indicator>
      </Popover.Target>
      <Popover.Dropdown>
        {all.length === 0 ? (
          <Text size="sm">
            {t("There is no knowledge base yet.")} <Link to="/knowledge">{t("Make one")}</Link>
          </Text>
        ) : (
          <Checkbox.Group
            label={t("Answer from")}
            description={t("Passages that fit the question are given to the model, and cited.")}
            value={[...chosen]}
            onChange={onChoose}
          >
            <Stack gap={8} mt={8} mah={240} style={{ overflowY: "auto" }}>
              {all.map(({ id, name }) => (
                <Checkbox key={id} size="xs" value={id} label={name} />
              ))}
            </Stack>
          </Checkbox.Group>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
