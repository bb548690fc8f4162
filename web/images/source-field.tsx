// The picture that an image starts from: dropped, pasted, chosen from the machine or from the gallery.
import { ActionIcon, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { useDisclosure } from "@mantine/hooks";
import { IconPhotoUp, IconX } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { Gate, useWhyNot } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useData, useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { SendingBar, useSending } from "../ui/import-frame.tsx";
import { Loaded, ProblemNotice } from "../ui/states.tsx";
import type { Source } from "./draft.ts";
import { addImage, type ImageModel, imagesQuery } from "./queries.ts";

const TYPES = ["image/png", "image/jpeg", "image/webp"];

export function SourceField(props: {
  model: ImageModel | undefined;
  source: Source | null;
  onChange: (source: Source | null) => void;
}) {
  const { model, source, onChange } = props;
  const sending = useSending();
  const work = useWork();
  const [isChoosing, choosing] = useDisclosure(false);
  const mayAdd = useWhyNot()("chat") === null;
  const isOff = model !== undefined && !model.imageOffer.takesSource;

  const take = async (file: File | undefined) => {
    if (!file) return;
    await work.run(async () => {
      const [uploadId = ""] = await sending.send([file]);
      onChange((await act(addImage, { uploadId })).image);
    });
  };
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    if (isOff || !mayAdd) return;
    const onPaste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => TYPES.includes(type));
      if (!file) return;
      event.preventDefault();
      void latest.current(file);
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, [isOff, mayAdd]);

  return (
    <fieldset className="e-ratios" disabled={isOff}>
      <legend>{t("Start from a picture")}</legend>
      {isOff ? (
        <Text size="xs" c="dimmed">
          {t("{{name}} makes images from words alone.", model)}
        </Text>
      ) : source ? (
        <Group gap={12} wrap="nowrap" className="e-image-source">
          <img src={source.url} alt={t("The picture to start from")} width={56} height={56} />
          <Text size="sm" lineClamp={2} style={{ flex: 1 }}>
            {source.prompt ?? source.fileName}
          </Text>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t("Start without a picture")}
            onClick={() => onChange(null)}
          >
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ) : (
        <Gate scope="chat">
          <Dropzone
            className="e-drop"
            accept={TYPES}
            multiple={false}
            disabled={!mayAdd}
            onDrop={([file]) => void take(file)}
            onReject={([rejected]) =>
              work.setProblem({
                code: "PICTURE_UNREADABLE",
                message: t("{{name}} is no PNG, JPEG or WebP.", { name: rejected?.file.name ?? "" }),
                hint: t("Save the picture as one of these."),
              })
            }
            role="button"
            aria-label={t("A picture to start from")}
            inputProps={{ "aria-label": t("A picture to start from") }}
            p={12}
          >
            <Stack align="center" gap={2}>
              <IconPhotoUp size={22} color="var(--e-leaf)" aria-hidden />
              <Text size="xs" ta="center">
                {t("Drop or paste a picture, or choose one")}
              </Text>
            </Stack>
          </Dropzone>
          <Button mt={8} size="xs" variant="default" onClick={choosing.open}>
            {t("Choose from the gallery")}
          </Button>
        </Gate>
      )}
      <SendingBar sending={sending} />
      {work.problem ? <ProblemNotice problem={work.problem} /> : null}
      <Modal
        opened={isChoosing}
        onClose={choosing.close}
        title={t("Choose a picture to start from")}
        size="xl"
      >
        <Choice
          onChoose={(chosen) => {
            onChange(chosen);
            choosing.close();
          }}
        />
      </Modal>
    </fieldset>
  );
}

function Choice(props: { onChoose: (source: Source) => void }) {
  const reading = useData(imagesQuery, {}, 4);
  return (
    <Loaded reading={reading}>
      {({ images }) =>
        images.nodes.length === 0 ? (
          <Text size="sm">{t("The gallery is empty.")}</Text>
        ) : (
          <div className="e-gallery" data-small="">
            {images.nodes.map((image) => (
              <button key={image.id} type="button" onClick={() => props.onChoose(image)}>
                <img
                  src={image.url}
                  alt={image.prompt ?? image.fileName ?? ""}
                  loading="lazy"
                  decoding="async"
                />
              </button>
            ))}
          </div>
        )
      }
    </Loaded>
  );
}
