// A picture as large as the window lets it be.
import { Modal } from "@mantine/core";
import { t } from "../i18n.ts";

/** `alt` says what it is; the title may say more. */
export function PictureDialog(props: {
  picture: { url: string; alt: string; title: string } | null;
  onClose: () => void;
}) {
  const { picture, onClose } = props;
  return (
    // Keys of the page below, which rate or lead to another row, are not meant while it is open.
    // biome-ignore lint/a11y/noStaticElementInteractions: it only stops what the dialog's own parts heard
    <div style={{ display: "contents" }} onKeyDown={(event) => event.stopPropagation()}>
      <Modal
        opened={picture !== null}
        onClose={onClose}
        title={picture?.title}
        size="auto"
        closeButtonProps={{ "aria-label": t("Close") }}
      >
        {picture ? <img className="e-picture-large" src={picture.url} alt={picture.alt} /> : null}
      </Modal>
    </div>
  );
}
