// Where each kind of thing lives in the UI; ids carry their noun, so an id alone is enough to find its page.

const byKind: Record<string, string> = {
  base: "/base-models",
  basemodel: "/base-models",
  customized: "/customized",
  customizedmodel: "/customized",
  complete: "/complete",
  completemodel: "/complete",
  live: "/live",
  livemodel: "/live",
  deployment: "/live",
  registered: "/registered",
  registeredmodel: "/registered",
  alias: "/registered",
  provider: "/third-party",
  dataset: "/datasets",
  datasetversion: "/datasets",
  version: "/datasets",
  training: "/trainings",
  run: "/runs",
  conversation: "/chat",
  knowledgebase: "/knowledge",
  assessment: "/assessments",
  suite: "/suites",
};

/** The page of one thing, from its kind in any spelling; the map where the kind has no page. */
export function pathOf(node: { id: string; kind: string }): string {
  const folder = byKind[node.kind.toLowerCase().replaceAll(/[^a-z]/g, "")];
  return folder ? `${folder}/${encodeURIComponent(node.id)}` : "/";
}

const madeBy: Record<string, string> = {
  IMPORT_DATASET: "/datasets",
  IMPORT_MODEL: "/base-models",
  TRAIN: "/trainings",
  MERGE: "/complete",
  DEPLOY: "/live",
  INDEX_DOCUMENTS: "/knowledge",
  REBUILD_INDEX: "/knowledge",
  ASSESS: "/assessments",
  CHECK_OVERLAP: "/assessments",
};
/** Pages that show all that runs of a kind make. */
const shownAt: Record<string, string> = { MAKE_IMAGES: "/images" };

/** The page of what a run made; its own page where it made nothing with a page. */
export function placeOfRun(run: { id: string; kind: string; subjectId?: string | null }): string {
  const folder = madeBy[run.kind];
  const shown = shownAt[run.kind];
  if (shown) return shown;
  return folder && run.subjectId ? `${folder}/${encodeURIComponent(run.subjectId)}` : `/runs/${run.id}`;
}
