// Pages by keyboard alone: Tab reaches all that can be used and leads round again, each stop shows where it is and is
// in sight, Shift+Tab leads back; what a key opens takes the focus, and gives it back at Escape.
import { expect } from "bun:test";
import type { CDPSession, Locator } from "playwright-core";
import type { Walk } from "./browser-kit.ts";

/** More stops than any page has: a walk that is longer went in circles. */
const mostStops = 600;

/**
 * Runs in the page: notes every stop of the focus. One stop is enough for a group that the arrow keys walk: radio
 * buttons of one name, tabs, menu items, options.
 */
function watchFocus() {
  type Stop = { element: Element; shows: boolean; isSeen: boolean };
  const stops: Stop[] = [];
  const usable = [
    "a[href], button, input, select, textarea, summary, iframe, [contenteditable=true], [tabindex]",
    ..."button link tab menuitem option switch checkbox radio slider textbox combobox"
      .split(" ")
      .map((role) => `[role=${role}]`),
  ].join();
  const whole = (text: string | null | undefined) => (text ?? "").replace(/\s+/g, " ").trim().slice(0, 60);
  const labelOf = (element: Element): Element | null =>
    element.closest("label") ??
    (element.id ? document.querySelector(`label[for="${CSS.escape(element.id)}"]`) : null);
  const nameOf = (element: Element): string => {
    const words =
      whole(element.getAttribute("aria-label")) ||
      whole(labelOf(element)?.textContent) ||
      whole(element.textContent) ||
      whole(element.getAttribute("name"));
    const role = element.getAttribute("role");
    return `${element.tagName.toLowerCase()}${role ? `[${role}]` : ""} "${words}"`;
  };
  const modal = (): Element | undefined =>
    [...document.querySelectorAll("[role=dialog][aria-modal=true]")]
      .filter((one) => one.checkVisibility())
      .at(-1);

  /** The box that a person sees: a field that is drawn by its label has none of its own. */
  function boxOf(element: Element): Element {
    const { width, height } = element.getBoundingClientRect();
    const isDrawn = width > 3 && height > 3 && getComputedStyle(element).opacity !== "0";
    return isDrawn ? element : (labelOf(element) ?? element);
  }
  const isShown = (element: Element): boolean => {
    const { width, height } = boxOf(element).getBoundingClientRect();
    return element.checkVisibility({ visibilityProperty: true }) && width > 1 && height > 1;
  };
  function isUsable(element: Element): boolean {
    if (element.matches(":disabled, [type=hidden], [aria-disabled=true]:not(a, button)")) return false;
    if (element.closest("[inert], [aria-hidden=true]")) return false;
    // The arrow keys walk the palette's actions, from its field.
    if (element.matches(".mantine-Spotlight-action")) return false;
    // Where only a program moves the focus to.
    if (
      element.getAttribute("tabindex") === "-1" &&
      !element.matches("a, button, input, select, textarea, [role]")
    )
      return false;
    return isShown(element);
  }
  const ids = new Map<Element, number>();
  const idOf = (element: Element): number => {
    const id = ids.get(element) ?? ids.size;
    ids.set(element, id);
    return id;
  };
  function groupOf(element: Element): string {
    if (element instanceof HTMLInputElement && element.type === "radio" && element.name)
      return `radio ${element.name}`;
    const role = element.getAttribute("role") ?? "";
    const owner = { tab: "[role=tablist]", menuitem: "[role=menu]", option: "[role=listbox]" }[role];
    const group = owner ? element.closest(owner) : null;
    return `${role} ${idOf(group ?? element)}`;
  }
  /** What an element and all that may be drawn for it look like around the edge. */
  function edges(element: Element): string {
    const around: Element[] = [];
    for (let part = element.parentElement; part && around.length < 3; part = part.parentElement)
      around.push(part);
    return [element, labelOf(element), element.nextElementSibling]
      .filter((part) => part !== null)
      .flatMap((part) => [part, ...part.children].slice(0, 12))
      .concat(around)
      .flatMap((part) =>
        [null, "::before", "::after"].map((pseudo) => {
          const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(part, pseudo);
          return outlineStyle === "none" ? boxShadow : `${outlineWidth} ${outlineColor} ${boxShadow}`;
        }),
      )
      .join("|");
  }
  /** Whether enough of it is within the window and nothing lies over it. */
  function isInSight(element: Element): boolean {
    const box = boxOf(element);
    if (!box.checkVisibility({ opacityProperty: true })) return false;
    const all = box.getBoundingClientRect();
    const [left, top] = [Math.max(0, all.left), Math.max(0, all.top)];
    const [right, bottom] = [Math.min(innerWidth, all.right), Math.min(innerHeight, all.bottom)];
    const least = Math.min(all.height, innerHeight * 0.5) * 0.6;
    if (right - left < Math.min(all.width, innerWidth) * 0.6 || bottom - top < least) return false;
    // A notice lies over the page for a moment only.
    const notice = "[class*=mantine-Notification]";
    const at = document
      .elementsFromPoint((left + right) / 2, (top + bottom) / 2)
      .find((one) => element.closest(notice) || !one.closest(notice));
    return (
      at !== undefined && (box.contains(at) || at.contains(box) || (labelOf(element)?.contains(at) ?? false))
    );
  }

  let held: { element: Element; focused: string; isSeen: boolean | null } | null = null;
  const onIn = ({ target }: FocusEvent): void => {
    held = target instanceof Element ? { element: target, focused: edges(target), isSeen: null } : null;
  };
  /** The next press of Tab: by now the window has scrolled to the stop. */
  const onKey = (): void => {
    if (held) held.isSeen = isInSight(held.element);
  };
  const onOut = (): void => {
    // What went from the page while it had the focus was not left by a key, and is not judged.
    if (held && held.isSeen !== null)
      stops.push({ element: held.element, isSeen: held.isSeen, shows: edges(held.element) !== held.focused });
    held = null;
  };
  addEventListener("focusin", onIn, true);
  addEventListener("keydown", onKey, true);
  addEventListener("focusout", onOut, true);

  const within = modal() ?? document.body;
  const wanted = [...within.querySelectorAll(usable)].filter(isUsable);
  /** Looks like a button to a mouse, and is nothing to a keyboard. */
  const mouseOnly = [...within.querySelectorAll<HTMLElement>("*")].filter(
    (element) =>
      getComputedStyle(element).cursor === "pointer" &&
      isShown(element) &&
      (element.parentElement === null || getComputedStyle(element.parentElement).cursor !== "pointer") &&
      !element.closest(`label, ${usable}`) &&
      !element.querySelector(usable),
  );
  return {
    count: wanted.length,
    /** Whether the walk has come round. */
    isRound: () => {
      const first = stops.find(({ element }) => element.isConnected);
      return wanted.length < 2 || (stops.length > 1 && document.activeElement === first?.element);
    },
    /** Where the walk is now, for one that does not come round. */
    at: () => (document.activeElement ? nameOf(document.activeElement) : ""),
    /** What does not hold of the stops so far, which are forgotten with that. */
    async found() {
      const at = document.activeElement ?? document.body;
      const seen = new Set([at, ...stops.map(({ element }) => element)].map(groupOf));
      const names = (all: readonly Element[]) => [...new Set(all.map(nameOf))];
      const walked = stops.splice(0);
      const unseen: Element[] = [];
      // Once more, by itself: what moved the page while the keys came, such as a list that grew, is no fault of a stop.
      for (const { element } of walked.filter(({ isSeen }) => !isSeen)) {
        if (!(element instanceof HTMLElement) || !element.isConnected) continue;
        element.focus();
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        if (!isInSight(element)) unseen.push(element);
      }
      const where = (isIt: (stop: Stop) => boolean) =>
        names(walked.filter(isIt).map(({ element }) => element));
      return {
        unreachable: names(
          wanted.filter((one) => one.isConnected && isUsable(one) && !seen.has(groupOf(one))),
        ),
        unmarked: where(({ shows }) => !shows),
        unseen: names(unseen),
        outside: where(({ element }) => element.isConnected && !within.contains(element)),
        mouseOnly: names(mouseOnly),
      };
    },
    end() {
      removeEventListener("focusin", onIn, true);
      removeEventListener("keydown", onKey, true);
      removeEventListener("focusout", onOut, true);
    },
  };
}

/** Presses Tab so often, without waiting for one before the next. */
async function tabs(cdp: CDPSession, times: number, isBack = false): Promise<void> {
  const key = { key: "Tab", code: "Tab", windowsVirtualKeyCode: 9, modifiers: isBack ? 8 : 0 };
  await Promise.all(
    Array.from({ length: times }, () => cdp.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...key })),
  );
}

/** Walks the page as it is, or the dialog that is open on it, once round and once back. */
export async function walkByKeys(walk: Walk, name: string): Promise<void> {
  const { page } = walk;
  const cdp = await page.context().newCDPSession(page);
  const watch = await page.evaluateHandle(watchFocus);
  try {
    for (const isBack of [false, true]) {
      let pressed = await watch.evaluate(({ count }) => Math.max(2, Math.floor(count * 0.8)));
      await tabs(cdp, pressed, isBack);
      while (!(await watch.evaluate((one) => one.isRound()))) {
        if (++pressed > mostStops)
          throw new Error(`${name}: Tab stays at ${await watch.evaluate((one) => one.at())}`);
        await tabs(cdp, 1, isBack);
      }
      const found = await watch.evaluate((one) => one.found());
      const nothing = { unreachable: [], unmarked: [], unseen: [], outside: [], mouseOnly: [] };
      expect({ page: name, isBack, ...found }).toEqual({ page: name, isBack, ...nothing });
    }
  } finally {
    await watch.evaluate((one) => one.end());
    await watch.dispose();
    await cdp.detach();
  }
}

/** The arrow keys go from tab to tab, and what each shows is walked. */
export async function walkTabs(walk: Walk, name: string): Promise<void> {
  const { page } = walk;
  const all = page.getByRole("tab");
  const count = await all.count();
  if (count === 0) return;
  await page.locator("[role=tab][aria-selected=true]").first().focus();
  for (let pressed = 1; pressed < count; pressed++) {
    await page.keyboard.press("ArrowRight");
    const at = await page.evaluate(() => document.activeElement?.getAttribute("aria-selected"));
    expect({ page: name, pressed, at }).toEqual({ page: name, pressed, at: "true" });
    await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
    const tab = await page.evaluateHandle(() => document.activeElement);
    await walkByKeys(walk, `${name}, tab ${pressed + 1}`);
    await tab.asElement()?.focus();
  }
}

/** Opens something by a key, walks it where it is a dialog, and is back where it came from at Escape. */
export async function opensByKey(
  walk: Walk,
  opener: Locator,
  role: "dialog" | "menu" = "dialog",
): Promise<void> {
  const { page } = walk;
  await opener.focus();
  const name = await opener.evaluate((one) => one.getAttribute("aria-label") ?? one.textContent ?? "");
  await page.keyboard.press("Enter");
  const opened = page.locator(`[role=${role}]:visible`).last();
  await opened.waitFor();
  await page.waitForFunction((kind) => document.activeElement?.closest(`[role=${kind}]`), role);
  if (role === "dialog") await walkByKeys(walk, `"${name}" on ${new URL(page.url()).pathname}`);
  if (role === "menu") {
    const item = () => page.evaluate(() => document.activeElement?.textContent);
    const first = await item();
    await page.keyboard.press("ArrowDown");
    expect({ menu: name, moves: (await item()) !== first }).toEqual({ menu: name, moves: true });
  }
  await page.keyboard.press("Escape");
  await opened.waitFor({ state: "hidden" });
  const isBack = await opener.evaluate(async (one) => {
    // The dialog gives the focus back once it is gone.
    for (let frames = 0; frames < 60 && document.activeElement !== one; frames++)
      await new Promise((resolve) => requestAnimationFrame(resolve));
    return document.activeElement === one;
  });
  expect({ opener: name, isBack }).toEqual({ opener: name, isBack: true });
}
