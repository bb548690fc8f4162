// Names and passwords of people: what they may be, and how a password is kept.
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { newSecret } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";

const nameSchema = z.string().trim().min(1).max(100);

/** The name as it is kept (trimmed). @throws EspalierError CREDENTIALS_INVALID */
export function checkUserName(name: string): string {
  const parsed = nameSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new EspalierError("CREDENTIALS_INVALID", "the name is empty or longer than 100 characters", {
    hint: "Choose another one.",
    field: "name",
  });
}

/** The argon2id hash of a password. @throws EspalierError PASSWORD_TOO_SHORT, CREDENTIALS_INVALID */
export async function hashOf(password: string, field = "password"): Promise<string> {
  if (password.length < limits.passwordMinChars)
    throw new EspalierError(
      "PASSWORD_TOO_SHORT",
      `the password has ${password.length} characters, ${limits.passwordMinChars} are needed`,
      { hint: "A few random words make a good one.", field },
    );
  if (password.length > limits.passwordChars)
    throw new EspalierError(
      "CREDENTIALS_INVALID",
      `the password is longer than ${limits.passwordChars} characters`,
      {
        hint: "Choose another one.",
        field,
      },
    );
  return Bun.password.hash(password, "argon2id");
}

// Compared against when the name is unknown, so that the answer takes as long as for a known one.
let decoyHash: Promise<string> | undefined;

/** Whether the password is the one of the hash; null as hash takes as long and is never right. */
export async function isPassword(password: string, hash: string | null): Promise<boolean> {
  decoyHash ??= Bun.password.hash(newSecret(), "argon2id");
  const tried = password.slice(0, limits.passwordChars) || " ";
  return (await Bun.password.verify(tried, hash ?? (await decoyHash))) && hash !== null;
}
