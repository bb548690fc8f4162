// Why what was chosen makes no row.
/** In English, for programs and the command line; pages say them in their own language by the code. */
export const REASONS = {
  NO_REFERENCE: "there is no right answer",
  NO_BETTER_ANSWER: "no other candidate has a better answer",
  NOTHING_TO_REJECT: "there is no answer to reject",
  SAME_ANSWER: "the answer is word for word the right one",
  DOES_NOT_FIT: "the dataset's shape cannot hold its system prompt or earlier turns",
  NO_BETTER_REPLY: "no reply is said to be good",
  NO_WORSE_REPLY: "there is no worse reply beside it",
  OTHER_CONVERSATION: "the replies follow different conversations",
  HAS_PICTURES: "it has pictures",
  EMPTY: "a text is empty or gone",
} as const;

export type Reason = keyof typeof REASONS;
export type LeftOut = { code: Reason; reason: string; rows: number };
