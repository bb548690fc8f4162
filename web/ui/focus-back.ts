// Dialogs that are there only while they are open: the kit gives the focus back to those alone that stay and are closed.
import { useEffect, useState } from "react";

/** What had the focus; of a menu's item, which is gone by then, what opened the menu. */
function opener(): HTMLElement | null {
  const { activeElement: at } = document;
  const menu = at?.closest("[role=menu]")?.getAttribute("aria-labelledby");
  const found = menu ? document.getElementById(menu) : at;
  return found instanceof HTMLElement ? found : null;
}

/** Gives the focus back, when the component goes, to what had it before the component came. */
export function useFocusBack(): void {
  const [from] = useState(opener);
  useEffect(() => () => from?.focus(), [from]);
}
