// /auth/*: set-up, sign-in and sign-out of people by cookie, and what one-time links are for.
import { z } from "zod";
import { type Accounts, cookieOf, type Session, sessionCookie } from "../accounts/accounts.ts";
import { json, methodNotAllowed, notFound, readJson, unauthenticated } from "./http.ts";

const token = z.string().min(1).max(200);
const setupBody = z.object({ token, name: z.string(), password: z.string() });
const signInBody = z.object({ name: z.string(), password: z.string() });
const linkBody = z.object({ token });
const joinBody = z.object({ token, name: z.string().optional(), password: z.string().optional() });
const resetBody = z.object({ token, password: z.string() });

type Caller = { accounts: Accounts; address: string; isSecure: boolean };
/** A session signs in, null signs out, an answer is sent as it is. */
type Done = { session: Session | null } | { answer: object };
type Deed = (request: Request, caller: Caller & { userAgent: string }) => Promise<Done>;

/** What is done by POST. */
const deeds: Record<string, Deed> = {
  "/auth/setup": async (request, { accounts, userAgent }) => ({
    session: await accounts.setup({ ...(await readJson(request, setupBody)), userAgent }),
  }),
  "/auth/sign-in": async (request, { accounts, address, userAgent }) => ({
    session: await accounts.signIn({ ...(await readJson(request, signInBody)), address, userAgent }),
  }),
  "/auth/sign-out": async (request, { accounts }) => {
    const mine = cookieOf(request);
    if (mine !== null) await accounts.signOut(mine);
    return { session: null };
  },
  "/auth/link": async (request, { accounts }) => {
    const { token } = await readJson(request, linkBody);
    const signedInAs = (await accounts.authenticate(request))?.name ?? null;
    return { answer: { ...(await accounts.offerOf(token)), signedInAs } };
  },
  "/auth/join": async (request, { accounts, userAgent }) => {
    const { token, name, password } = await readJson(request, joinBody);
    if (name !== undefined && password !== undefined)
      return { session: await accounts.acceptAsNew({ token, name, password, userAgent }) };
    const principal = await accounts.authenticate(request);
    if (!principal) throw unauthenticated();
    await accounts.acceptAsMyself(principal, token);
    return { answer: { ok: true } };
  },
  "/auth/reset": async (request, { accounts, userAgent }) => ({
    session: await accounts.acceptReset({ ...(await readJson(request, resetBody)), userAgent }),
  }),
};

/** Answers a request under /auth. `address` is the caller's, for the rate limit. */
export async function handleAuth(request: Request, caller: Caller): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/auth/state") {
    const principal = await caller.accounts.authenticate(request);
    return json({
      needsSetup: await caller.accounts.needsSetup(),
      signedIn: principal !== null,
      name: principal?.name,
    });
  }
  const deed = Object.hasOwn(deeds, pathname) ? deeds[pathname] : undefined;
  if (!deed) throw notFound("page", pathname);
  if (request.method !== "POST") throw methodNotAllowed(request.method, "POST");
  const done = await deed(request, { ...caller, userAgent: request.headers.get("user-agent") ?? "" });
  if ("answer" in done) return json(done.answer);
  return json({ ok: true }, 200, { "set-cookie": cookie(done.session, caller.isSecure) });
}

/** The session's cookie; null takes it away. */
function cookie(session: Session | null, isSecure: boolean): string {
  const value = session
    ? `${session.token}; Expires=${new Date(session.expiresAt).toUTCString()}`
    : "; Max-Age=0";
  return `${sessionCookie}=${value}; Path=/; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
}
