// Secrets at rest: AES-256-GCM under a key that lies beside the database or comes from the environment, never in a backup.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { link, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EspalierError } from "../kit/errors.ts";
import { syncFolder } from "./blobs.ts";

/** In the data folder; not among what `backup` writes. */
export const KEY_FILE = "secret.key";
/** The key that a rotation is moving to; stays only where one was cut off. */
const NEXT_KEY_FILE = "secret.key.next";
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/;

export type SecretsOptions = {
  dataDir: string;
  /** 32 bytes in base64 or hex, instead of the key file in the data folder. */
  key?: string | undefined;
  /** A file that holds such a key, instead of the one in the data folder. */
  keyFile?: string | undefined;
};

export type Secrets = {
  /** Text sealed for one owner (an id): it cannot be opened as another's. Makes the key file at first need. */
  seal(owner: string, text: string): Promise<string>;
  /** @throws EspalierError SECRET_KEY_MISSING, SECRET_KEY_WRONG, SECRET_DAMAGED */
  open(owner: string, sealed: string): Promise<string>;
  /**
   * Moves every secret to another key: `reseal` gets a function from old to new and must rewrite all of them in one
   * transaction. A new key file is then in force; with a key from the environment, that is the new one and `previous` the old.
   */
  rotate(
    reseal: (move: (owner: string, sealed: string) => Promise<string>) => Promise<void>,
    previous?: string,
  ): Promise<void>;
};

/** Nothing is read before the first secret is. */
export function createSecrets(options: SecretsOptions): Secrets {
  const keyPath = options.keyFile ?? join(options.dataDir, KEY_FILE);
  const nextPath = join(options.dataDir, NEXT_KEY_FILE);
  const isGiven = options.key !== undefined;

  /** The key in force, then one that a cut-off rotation had already sealed with. */
  async function keys(): Promise<Buffer[]> {
    if (options.key !== undefined) return [parseKey(options.key, "ESPALIER_SECRET_KEY")];
    const found = [await readKey(keyPath), options.keyFile ? null : await readKey(nextPath)];
    return found.filter((one) => one !== null);
  }

  async function keyToSeal(): Promise<Buffer> {
    const [key] = await keys();
    if (key) return key;
    if (options.keyFile !== undefined) throw keyMissing(options.keyFile);
    await writeKey(keyPath, randomBytes(KEY_BYTES));
    // Another process may have been first; its key is then the one.
    const made = await readKey(keyPath);
    if (!made) throw keyMissing(keyPath);
    return made;
  }

  async function openText(owner: string, sealed: string, candidates: readonly Buffer[]): Promise<string> {
    const [, fingerprint, body] = SEALED.exec(sealed) ?? [];
    if (fingerprint === undefined || body === undefined) throw damaged();
    const key = candidates.find((one) => fingerprintOf(one) === fingerprint);
    if (!key) throw candidates.length === 0 ? keyMissing(keyPath) : wrongKey(fingerprint, candidates[0]);
    const bytes = Buffer.from(body, "base64url");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES));
    decipher.setAAD(Buffer.from(owner));
    try {
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return (
        decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8")
      );
    } catch {
      throw damaged();
    }
  }

  return {
    seal: async (owner, text) => sealText(owner, text, await keyToSeal()),
    open: async (owner, sealed) => openText(owner, sealed, await keys()),
    async rotate(reseal, previous) {
      if (isGiven || options.keyFile !== undefined) {
        const [next] = await keys();
        if (!next) throw keyMissing(keyPath);
        const old = previous
          ? parseKey(previous, "the previous key")
          : await readKey(join(options.dataDir, KEY_FILE));
        const candidates = old ? [old, next] : [next];
        await reseal(async (owner, sealed) =>
          sealText(owner, await openText(owner, sealed, candidates), next),
        );
        return;
      }
      const candidates = await keys();
      if (!(await readKey(nextPath))) await writeKey(nextPath, randomBytes(KEY_BYTES));
      const next = await readKey(nextPath);
      if (!next) throw keyMissing(nextPath);
      await reseal(async (owner, sealed) =>
        sealText(owner, await openText(owner, sealed, [...candidates, next]), next),
      );
      await rename(nextPath, keyPath);
      await syncFolder(dirname(keyPath));
    },
  };
}

function sealText(owner: string, text: string, key: Buffer): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  cipher.setAAD(Buffer.from(owner));
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return `v1.${fingerprintOf(key)}.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64url")}`;
}

/** Tells keys apart without telling the key. */
function fingerprintOf(key: Buffer): string {
  return createHash("sha256").update("espalier secret key").update(key).digest("hex").slice(0, 8);
}

function parseKey(text: string, where: string): Buffer {
  const trimmed = text.trim();
  const key = Buffer.from(trimmed, /^[0-9a-f]{64}$/i.test(trimmed) ? "hex" : "base64");
  if (key.byteLength === KEY_BYTES) return key;
  throw new EspalierError("SECRET_KEY_INVALID", `The secret key of ${where} is not 32 bytes.`, {
    field: where,
    hint: "Make one: openssl rand -base64 32",
    status: 500,
  });
}

async function readKey(path: string): Promise<Buffer | null> {
  try {
    return parseKey(await readFile(path, "utf8"), path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Writes the file whole, readable by its owner alone; leaves one that is there. */
async function writeKey(path: string, key: Buffer): Promise<void> {
  const partial = `${path}.${randomBytes(6).toString("hex")}.part`;
  const file = await open(partial, "wx", 0o600);
  try {
    await file.writeFile(`${key.toString("base64")}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // Unlike a rename, a link fails where there already is a key.
    await link(partial, path).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    });
  } finally {
    await rm(partial, { force: true });
  }
  await syncFolder(dirname(path));
}

function keyMissing(path: string): EspalierError {
  return new EspalierError("SECRET_KEY_MISSING", `The key that opens the stored secrets is not at ${path}.`, {
    field: "secret key",
    value: path,
    hint: "Put the key file back, set ESPALIER_SECRET_KEY, or enter the provider's key again.",
    status: 409,
  });
}

function wrongKey(sealedWith: string, has: Buffer | undefined): EspalierError {
  const own = has ? fingerprintOf(has) : "none";
  return new EspalierError(
    "SECRET_KEY_WRONG",
    `A secret was sealed with key ${sealedWith}, and this server has key ${own}.`,
    {
      field: "secret key",
      value: own,
      hint: "Put the right key back (secret.key or ESPALIER_SECRET_KEY), or enter the provider's key again.",
      status: 409,
    },
  );
}

function damaged(): EspalierError {
  return new EspalierError("SECRET_DAMAGED", "A stored secret is damaged or belongs to another thing.", {
    field: "secret key",
    hint: "Enter the provider's key again.",
    status: 409,
  });
}
