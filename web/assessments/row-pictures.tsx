// Pictures that went along with a row's question: small ones, each enlarged by a press, and a word where one is not there.
import { UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { t } from "../i18n.ts";
import { PictureDialog } from "../ui/picture-dialog.tsx";

type RowPicture = { column: string; url: string | null };
type Shown = { column: string; url: string };

const altOf = (column: string, row: number): string =>
  t("Picture {{column}} of row {{row}}", { column, row: String(row) });

/** `onEnlarge` is told when one is opened and closed, so that Escape closes it alone. */
export function RowPictures(props: {
  row: number;
  pictures: readonly RowPicture[];
  height: number;
  onEnlarge?: (isOpen: boolean) => void;
}) {
  const { row, pictures, height, onEnlarge } = props;
  const [open, setOpen] = useState<Shown | null>(null);
  const enlarge = (picture: Shown | null): void => {
    setOpen(picture);
    onEnlarge?.(picture !== null);
  };
  if (pictures.length === 0) return null;
  return (
    <div className="e-row-pictures">
      {pictures.map(({ column, url }) => (
        // A panorama is not as wide as the page: two pictures stand side by side.
        <figure key={column} style={{ maxWidth: `min(100%, ${2 * height}px)` }}>
          {url === null ? (
            <p className="e-muted">{t("The picture is gone with its dataset.")}</p>
          ) : (
            <Press key={url} row={row} picture={{ column, url }} height={height} onPress={enlarge} />
          )}
          <figcaption>{column}</figcaption>
        </figure>
      ))}
      <PictureDialog
        picture={open && { url: open.url, alt: altOf(open.column, row), title: altOf(open.column, row) }}
        onClose={() => enlarge(null)}
      />
    </div>
  );
}

function Press(props: { row: number; picture: Shown; height: number; onPress: (picture: Shown) => void }) {
  const { row, picture, height, onPress } = props;
  const [isBroken, setIsBroken] = useState(false);
  const alt = altOf(picture.column, row);
  if (isBroken) return <p className="e-muted">{t("The picture cannot be shown.")}</p>;
  return (
    <UnstyledButton
      className="e-picture"
      aria-label={t("Enlarge {{name}}", { name: picture.column })}
      onClick={() => onPress(picture)}
    >
      <img src={picture.url} alt={alt} style={{ height }} onError={() => setIsBroken(true)} />
    </UnstyledButton>
  );
}

/** The same for one line of a table, which opens the row. */
export function Thumbnails(props: { row: number; pictures: readonly RowPicture[] }) {
  const shown = props.pictures.flatMap(({ column, url }) => (url === null ? [] : [{ column, url }]));
  if (shown.length === 0) return null;
  return (
    <span className="e-thumbnails">
      {shown.map(({ column, url }) => (
        <Thumbnail key={url} url={url} alt={altOf(column, props.row)} />
      ))}
    </span>
  );
}

function Thumbnail(props: { url: string; alt: string }) {
  const [isBroken, setIsBroken] = useState(false);
  // The opened row says that it cannot be shown.
  if (isBroken) return null;
  return (
    <img
      src={props.url}
      alt={props.alt}
      width={48}
      height={48}
      loading="lazy"
      onError={() => setIsBroken(true)}
    />
  );
}
