// /auth/*: set-up, sign-in and sign-out of people, by cookie.
import { z } from "zod";
import { type Accounts, cookieOf, type Session, sessionCookie } from "../accounts/accounts.ts";
import { json, methodNotAllowed, notFound, readJson } from "./http.ts";

const setupBody = z.object({ token: z.string().max(200), name: z.string(), password: z.string() });
const signInBody = z.object({ name: z.string(), password: z.string() });

/** Answers a request under /auth. `address` is the caller's, for the rate limit. */
export async function handleAuth(
  request: Request,
  { accounts, address, isSecure }: { accounts: Accounts; address: string; isSecure: boolean },
): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/auth/state") {
    const principal = await accounts.authenticate(request);
    return json({
      needsSetup: await accounts.needsSetup(),
      signedIn: principal !== null,
      name: principal?.name,
    });
  }
  if (!["/auth/setup", "/auth/sign-in", "/auth/sign-out"].includes(pathname))
    throw notFound("page", pathname);
  if (request.method !== "POST") throw methodNotAllowed(request.method, "POST");

  if (pathname === "/auth/setup") {
    const session = await accounts.setup(await readJson(request, setupBody));
    return json({ ok: true }, 200, { "set-cookie": cookie(session, isSecure) });
  }
  if (pathname === "/auth/sign-in") {
    const session = await accounts.signIn({ ...(await readJson(request, signInBody)), address });
    return json({ ok: true }, 200, { "set-cookie": cookie(session, isSecure) });
  }
  const token = cookieOf(request);
  if (token !== null) await accounts.signOut(token);
  return json({ ok: true }, 200, {
    "set-cookie": `${sessionCookie}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0${isSecure ? "; Secure" : ""}`,
  });
}

function cookie(session: Session, isSecure: boolean): string {
  const expires = new Date(session.expiresAt).toUTCString();
  return `${sessionCookie}=${session.token}; Path=/; HttpOnly; SameSite=Strict; Expires=${expires}${isSecure ? "; Secure" : ""}`;
}
