// The kinds of notifications: one table of what each tells, to whom, and its English sentence for programs.
import type { NotificationAbout } from "../../schema/tables/notifications.ts";

type Kind = {
  /** What it tells, for the schema and the settings. */
  description: string;
  sentence: (about: NotificationAbout) => string;
};

const by = ({ by }: NotificationAbout): string => (by ? ` by ${by}` : "");

export const notificationKinds = {
  "run-succeeded": {
    description: "A run that one started is done.",
    sentence: ({ name }) => `${name} is done.`,
  },
  "run-failed": {
    description: "A run that one started failed.",
    sentence: ({ name, message }) => `${name} failed: ${message ?? "it did not say why"}`,
  },
  "run-cancelled": {
    description: "A run that one started was cancelled by somebody else.",
    sentence: (about) => `${about.name} was cancelled${by(about)}.`,
  },
  "member-joined": {
    description: "Somebody took an invitation into a project that one looks after.",
    sentence: ({ name, role }) => `${name} joined as ${role ?? "viewer"}.`,
  },
  "role-changed": {
    description: "One's own role in a project changed.",
    sentence: (about) => `You are ${about.role ?? "viewer"} now: your role was changed${by(about)}.`,
  },
  "trainer-joined": {
    description: "A trainer checked in for the first time, in a project that one looks after.",
    sentence: ({ name }) => `The trainer ${name} checked in.`,
  },
  "trainer-lost": {
    description: "A trainer went silent with a run in hand that one started or looks after.",
    sentence: ({ name, message }) =>
      `The trainer ${name} went silent in the middle of ${message ?? "a run"}.`,
  },
  "disk-low": {
    description: "The disk under the data folder is nearly full, on a server that one looks after.",
    sentence: ({ bytes }) => `The disk is nearly full: ${Math.floor((bytes ?? 0) / 1e6)} MB are left.`,
  },
} as const satisfies Record<string, Kind>;

export type NotificationKind = keyof typeof notificationKinds;
export const allKinds: readonly NotificationKind[] = Object.keys(notificationKinds).filter(isKind);

export function isKind(text: string): text is NotificationKind {
  return Object.hasOwn(notificationKinds, text);
}

/** The notification as one English sentence. */
export function sentenceOf(kind: string, about: NotificationAbout): string {
  return isKind(kind) ? notificationKinds[kind].sentence(about) : about.name;
}

/** What a notification may ask for next, with the words before the name. */
export const nextVerbs = {
  open: "Open",
  "see-why": "See why",
  save: "Save",
  deploy: "Deploy",
  register: "Register",
  "look-after": "Look at",
  "free-space": "Free some space",
} as const;
export type NextVerb = keyof typeof nextVerbs;
