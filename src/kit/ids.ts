// Identifiers: a noun prefix, then 26 characters that sort by time (ULID layout, Crockford base 32).
import { randomBytes, randomInt } from "node:crypto";
import { now } from "./clock.ts";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** Prefix of each kind of id: `run_…`, `ds_…`. */
export const ID_PREFIX = {
  user: "usr",
  session: "ses",
  apiKey: "key",
  project: "prj",
  membership: "mbr",
  oneTimeLink: "otl",
  run: "run",
  runEvent: "evt",
  upload: "upl",
  dataset: "ds",
  datasetVersion: "dsv",
  baseModel: "base",
  training: "trn",
  customizedModel: "cus",
  completeModel: "cmp",
  deployment: "dep",
  alias: "als",
  provider: "prv",
  thirdPartyModel: "tpm",
  conversation: "cnv",
  message: "msg",
  messagePicture: "pic",
  feedback: "fbk",
  prompt: "prm",
  promptVersion: "prmv",
  trainer: "tnr",
  artifact: "art",
  usage: "use",
  notification: "ntf",
  webhook: "whk",
  webhookDelivery: "whd",
  knowledgeBase: "kb",
  document: "doc",
  labelledQuestion: "lqu",
  retrievalEvaluation: "rev",
  image: "img",
  imageRequest: "imr",
  assessment: "asm",
  candidate: "cnd",
  answer: "ans",
  judgement: "jdg",
  rating: "rtg",
  gate: "gat",
  gateOverride: "gov",
  overlapCheck: "ovl",
  suite: "sui",
  suiteEntry: "sue",
} as const;

export type IdNoun = keyof typeof ID_PREFIX;

let last: { at: number; digits: number[] } = { at: 0, digits: [] };

/** A fresh id of the noun, e.g. `run_01jc…`; those that a process makes sort in the order in which they were made. */
export function newId(noun: IdNoun, at: number = now()): string {
  last = { at, digits: at === last.at ? successor(last.digits) : randomDigits() };
  let time = "";
  for (let t = at, i = 0; i < 10; i++) {
    time = ALPHABET[t % 32] + time;
    t = Math.floor(t / 32);
  }
  return `${ID_PREFIX[noun]}_${time}${last.digits.map((digit) => ALPHABET[digit]).join("")}`;
}

/** Sixteen random digits of base 32; the first leaves room to count up from. */
function randomDigits(): number[] {
  return [...randomBytes(16)].map((byte, place) => byte % (place === 0 ? 16 : 32));
}

/** The next number: within a millisecond ids count on, as the ULID specification has it. */
function successor(digits: readonly number[]): number[] {
  const next = [...digits];
  for (let place = next.length - 1; place >= 0; place--) {
    const raised = ((next[place] ?? 0) + 1) % 32;
    next[place] = raised;
    if (raised !== 0) break;
  }
  return next;
}

/** When an id was made, in milliseconds since the Unix epoch; 0 for what is no id. */
export function timeOfId(id: string): number {
  const time = /^[a-z]+_([0-9a-z]{10})/.exec(id)?.[1] ?? "";
  let at = 0;
  for (const letter of time) at = at * 32 + Math.max(0, ALPHABET.indexOf(letter));
  return at;
}

/** An unguessable token of `bytes` random bytes in base64url, for keys, sessions and set-up links. */
export function newSecret(bytes = 32): string {
  return randomBytes(bytes).toString("base64url");
}

/** A random whole number from 1 to `most`, for whoever wants the same outcome again. */
export function newSeed(most: number): number {
  return randomInt(1, most + 1);
}
