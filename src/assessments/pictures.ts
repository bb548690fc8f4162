// Pictures of an assessment's rows, for people to see: named by their columns and read from the frozen dataset version.
import type { SentTurn } from "../../schema/tables/assessments.ts";
import type { Datasets } from "../datasets/datasets.ts";
import { EspalierError } from "../kit/errors.ts";
import type { PictureInfo } from "../kit/picture.ts";
import { pictureIn, type Row } from "./rows.ts";

/** Where a picture stands that went along with a question. */
export type RowPicture = { datasetVersionId: string; row: number; column: string };

/** The pictures that were sent of one row: candidates are asked the same question, so each column counts once. */
export function picturesOf(
  { datasetVersionId, row }: Omit<RowPicture, "column">,
  sent: readonly (readonly SentTurn[])[],
): RowPicture[] {
  const columns = new Set(sent.flat().flatMap(({ pictures = [] }) => pictures));
  return [...columns].map((column) => ({ datasetVersionId, row, column }));
}

/** Builds the verb over `datasets`. */
export function createPictures({ datasets }: { datasets: Datasets }) {
  return {
    /**
     * A picture of one of the project's datasets.
     * @throws EspalierError DATASET_NOT_FOUND, PICTURE_NOT_FOUND, PICTURE_UNREADABLE, PICTURE_TOO_LARGE
     */
    async rowPicture(
      projectId: string,
      { datasetVersionId, row, column }: RowPicture,
    ): Promise<PictureInfo & { bytes: Uint8Array<ArrayBuffer> }> {
      const version = await datasets.resolveVersion(projectId, datasetVersionId);
      const [found] = (await datasets.rows(version.id, { offset: row, limit: 1 })).rows;
      const picture = found ? pictureIn(column, (found.value as Row)[column]) : null;
      if (picture) return picture;
      const name = column.slice(0, 120);
      throw new EspalierError("PICTURE_NOT_FOUND", `Row ${row} has no picture in a column "${name}".`, {
        field: "column",
        value: name,
        hint: "Give it as data:image/png;base64,…",
        status: 404,
      });
    },
  };
}
