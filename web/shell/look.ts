// The colours that somebody chose: kept by the server for all their devices, and by the browser for its first paint.
import { useMantineColorScheme } from "@mantine/core";
import { useEffect } from "react";
import { act } from "../api/client.ts";
import { refreshAll } from "../api/data.ts";
import { graphql } from "../api/graphql.ts";

const setLook = graphql(`
  mutation SetLook($look: Look!) {
    setLook(look: $look) { __typename ... on ViewerSuccess { viewer { id look } } ... on UserError { code message hint field value } }
  }
`);

export type Look = "SYSTEM" | "LIGHT" | "DARK";
const schemes = { SYSTEM: "auto", LIGHT: "light", DARK: "dark" } as const;

/** Shows the page as the server remembers it; undefined while that is not known. */
export function useRememberedLook(look: Look | undefined): void {
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => {
    if (look) setColorScheme(schemes[look]);
  }, [look, setColorScheme]);
}

/** The choice as it is here now, and a way to change it everywhere. */
export function useLook(): { look: Look; choose: (look: Look) => void } {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const look = colorScheme === "auto" ? "SYSTEM" : colorScheme === "dark" ? "DARK" : "LIGHT";
  return {
    look,
    choose(next) {
      setColorScheme(schemes[next]);
      // Without the server the choice still holds in this browser.
      act(setLook, { look: next }).then(refreshAll, () => undefined);
    },
  };
}
