// What a key or a person may do: the scopes, what each opens, and which of them include others.

/** Every scope with the sentence that the user interface and the docs show. */
export const scopeTable = {
  read: "See models, datasets, trainings, runs and their logs.",
  write: "Import and delete datasets and models, save, export.",
  train: "Start and cancel trainings.",
  serve: "Deploy, stop, start, retire, register and unregister models.",
  chat: "Talk to models, in conversations and under /v1.",
  gates: "Make and remove gates, and override them with a reason, which is kept.",
  trainer: "Take the project's training work and deliver its results, under /trainer/v1.",
  admin: "Everything in the project but what only its owners may: keys and people included.",
  owner: "Everything: make, rename and archive projects, and appoint owners.",
} as const;

export type Scope = keyof typeof scopeTable;

/** All scopes in the order of the table. */
export const allScopes: readonly Scope[] = Object.keys(scopeTable).filter(isScope);

export function isScope(text: string): text is Scope {
  return Object.hasOwn(scopeTable, text);
}

/** True when the scopes held open what `needed` protects: owner opens everything, admin all but owner. */
export function opens(held: ReadonlySet<Scope>, needed: Scope): boolean {
  return held.has(needed) || held.has("owner") || (needed !== "owner" && held.has("admin"));
}
