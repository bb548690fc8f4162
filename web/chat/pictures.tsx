// Pictures as small ones: in a message, enlarged by a press; in the composer, with their state and a button that removes.
import { CloseButton, Loader, UnstyledButton } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { t } from "../i18n.ts";
import { PictureDialog } from "../ui/picture-dialog.tsx";
import type { Chosen, Shown } from "./use-pictures.ts";

/** The pictures of a message. */
export function MessagePictures(props: { pictures: readonly Shown[] }) {
  const [open, setOpen] = useState<Shown | null>(null);
  if (props.pictures.length === 0) return null;
  return (
    <div className="e-pictures">
      {props.pictures.map((picture) => (
        <UnstyledButton
          key={picture.id}
          className="e-picture"
          aria-label={t("Enlarge {{name}}", { name: picture.name })}
          title={picture.name}
          onClick={() => setOpen(picture)}
        >
          <img src={picture.url} alt={picture.name} width={picture.width} height={picture.height} />
        </UnstyledButton>
      ))}
      <PictureDialog
        picture={
          open && {
            url: open.url,
            alt: open.name,
            title: `${open.name} · ${open.width} × ${open.height}`,
          }
        }
        onClose={() => setOpen(null)}
      />
    </div>
  );
}

/** Pictures that may be taken out again. */
export function PictureTray(props: {
  pictures: readonly Pick<Chosen, "key" | "name" | "url" | "kept" | "problem">[];
  onRemove: (key: string) => void;
}) {
  if (props.pictures.length === 0) return null;
  return (
    <ul className="e-picture-tray" aria-label={t("Pictures of your message")}>
      {props.pictures.map(({ key, name, url, kept, problem }) => (
        <li key={key} {...(problem ? { "data-failed": "" } : {})}>
          {problem ? (
            <IconAlertTriangle size={24} color="var(--e-red)" aria-hidden />
          ) : (
            <img src={url} alt={name} />
          )}
          {kept || problem ? null : <Loader size={20} aria-label={t("Sending {{name}}", { name })} />}
          <CloseButton
            size={24}
            variant="default"
            aria-label={t("Remove {{name}}", { name })}
            title={t("Remove {{name}}", { name })}
            onClick={() => props.onRemove(key)}
          />
          {problem ? (
            <small role="alert">
              {name}: {problem.message} {problem.hint}
            </small>
          ) : null}
        </li>
      ))}
    </ul>
  );
}
