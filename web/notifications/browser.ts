// Notifications of the browser: asked for only by a click, shown while nobody looks at the page.
import { useCallback, useState } from "react";

export type Permission = "granted" | "denied" | "default" | "missing";

/** Whether this browser may show them; "missing" where it cannot, such as beyond a secure address. */
export const permissionNow = (): Permission =>
  "Notification" in globalThis && globalThis.isSecureContext ? Notification.permission : "missing";

/** The permission, and what asks for it; call that from a click alone. */
export function usePermission(): [Permission, () => Promise<void>] {
  const [permission, setPermission] = useState(permissionNow);
  const ask = useCallback(async () => {
    if (permissionNow() !== "missing") await Notification.requestPermission();
    setPermission(permissionNow());
  }, []);
  return [permission, ask];
}

/** Shows one, unless somebody looks at this page. Several pages of one browser show it once, by its id. */
export function showInBrowser(
  notice: { id: string; title: string; body: string },
  onClick: () => void,
): void {
  if (permissionNow() !== "granted" || document.visibilityState === "visible") return;
  const shown = new Notification(notice.title, { body: notice.body, tag: notice.id, icon: "/mark.svg" });
  shown.onclick = () => {
    window.focus();
    onClick();
    shown.close();
  };
}
