// The language that somebody chose: kept by the server for all their devices, and by the browser for the doors before it.
import { NativeSelect } from "@mantine/core";
import { useEffect } from "react";
import { act } from "../api/client.ts";
import { graphql } from "../api/graphql.ts";
import { t } from "../i18n.ts";
import { type Choice, chosen, languageTable, switchLanguage } from "../language.ts";

const setLanguage = graphql(`
  mutation SetLanguage($language: Language!) {
    setLanguage(language: $language) { __typename ... on ViewerSuccess { viewer { id language } } ... on UserError { code message hint field value } }
  }
`);

/** Tells the server; without it the choice still holds in this browser. */
export const rememberLanguage = (language: Choice): Promise<unknown> =>
  act(setLanguage, { language }).catch(() => undefined);

/** Shows the page as the server remembers it; a choice made at the door becomes the person's first. */
export function useRememberedLanguage(viewer: { id: string; language: Choice | null } | undefined): void {
  const id = viewer?.id;
  const language = viewer?.language;
  useEffect(() => {
    if (id === undefined) return;
    if (language) {
      if (language !== chosen) switchLanguage(language);
    } else if (chosen !== "SYSTEM") void rememberLanguage(chosen);
  }, [id, language]);
}

/** Chooses the language of the page, after `remember` has kept it elsewhere too. */
export function LanguageSelect({ remember }: { remember?: (choice: Choice) => Promise<unknown> }) {
  const choose = async (choice: Choice) => {
    await remember?.(choice);
    switchLanguage(choice);
  };
  const options: { value: Choice; label: string }[] = [
    { value: "SYSTEM", label: t("As the browser") },
    { value: "EN", label: languageTable.EN.name },
    { value: "DE", label: languageTable.DE.name },
    { value: "ZH", label: languageTable.ZH.name },
  ];
  return (
    <NativeSelect
      aria-label={t("Language")}
      maw={240}
      defaultValue={chosen}
      data={options}
      onChange={({ currentTarget }) => {
        const option = options.find(({ value }) => value === currentTarget.value);
        if (option) void choose(option.value);
      }}
    />
  );
}
