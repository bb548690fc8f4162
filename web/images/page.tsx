// Images: the form at the left, what is being made and the gallery at its side, one image large by its address.
import { Button } from "@mantine/core";
import { useDebouncedValue, useLocalStorage } from "@mantine/hooks";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import { useData } from "../api/data.ts";
import { t } from "../i18n.ts";
import { Page } from "../ui/page.tsx";
import { Empty, Loaded } from "../ui/states.tsx";
import { type Draft, draftOf, emptyDraft, within } from "./draft.ts";
import { ImageForm } from "./form.tsx";
import { Gallery, Waiting } from "./gallery.tsx";
import { type ImageModel, imagesQuery, modelsQuery, requestsQuery } from "./queries.ts";
import { Viewer } from "./viewer.tsx";

/** How long after the last letter a search begins. */
const SEARCH_MS = 250;

export function ImagesPage() {
  const models = useData(modelsQuery, {});
  return (
    <Page
      title={t("Images")}
      sentence={t(
        "Third-party models make images from words or from a picture. What they make is kept on this server.",
      )}
    >
      <Loaded reading={models}>
        {({ providers, viewer }) => (
          <Studio
            models={providers.nodes.flatMap((provider) => provider.models).filter(isImageModel)}
            isAdmin={viewer.scopes.includes("admin")}
          />
        )}
      </Loaded>
    </Page>
  );
}

const isImageModel = (model: { imageOffer: ImageModel["imageOffer"] | null }): model is ImageModel =>
  model.imageOffer !== null;

function Studio(props: { models: readonly ImageModel[]; isAdmin: boolean }) {
  const { models } = props;
  const search = useSearch({ strict: false }) as { q?: string; image?: string };
  const navigate = useNavigate();
  const [typed, setTyped] = useState(search.q ?? "");
  const [words] = useDebouncedValue(typed, SEARCH_MS);
  const [pages, setPages] = useState(1);
  const reading = useData(imagesQuery, { search: words === "" ? null : words }, pages);
  const requests = useData(requestsQuery, {});
  const [draft, setDraft] = useDraft(models);

  const put = useCallback(
    (part: { q?: string | undefined; image?: string | undefined }) =>
      void navigate({
        to: ".",
        search: (old: Record<string, unknown>) => ({ ...old, ...part }),
        replace: true,
        resetScroll: false,
      }),
    [navigate],
  );
  useEffect(() => put({ q: words === "" ? undefined : words }), [words, put]);
  const open = useCallback((id: string | null) => put({ image: id ?? undefined }), [put]);
  const { reload } = reading;
  const reloadRequests = requests.reload;
  const onProgress = useCallback(() => {
    reload();
    reloadRequests();
  }, [reload, reloadRequests]);

  const all = reading.data?.images.nodes ?? [];
  const at = all.findIndex(({ id }) => id === search.image);
  const shown = all[at];
  const model = models.find(({ id }) => id === draft.modelId);
  const take = (next: Draft) => {
    setDraft(next);
    open(null);
    document.querySelector<HTMLElement>(".e-image-form textarea")?.scrollIntoView({ block: "center" });
  };
  const hasNone = models.length === 0;
  return (
    <>
      {hasNone ? (
        <div style={{ marginBottom: 16 }}>
          <Empty
            title={t("No model makes images yet")}
            text={t(
              "Connect a provider that has one, such as OpenAI, Google, Amazon Bedrock, SiliconFlow or a server of your own, add its image model, and say that it can do images.",
            )}
            action={
              <Button component={Link} to={props.isAdmin ? "/third-party?add=1" : "/third-party"}>
                {props.isAdmin ? t("Add a provider") : t("See the third-party models")}
              </Button>
            }
          />
        </div>
      ) : null}
      <div className="e-images" {...(hasNone ? { "data-alone": "" } : {})}>
        {hasNone ? null : (
          <ImageForm models={models} draft={draft} onChange={setDraft} onStarted={onProgress} />
        )}
        <div style={{ minWidth: 0 }}>
          <div className="e-waiting-list" aria-live="polite">
            {(requests.data?.imageRequests.nodes ?? []).map((request) => (
              <Waiting key={request.id} request={request} onProgress={onProgress} />
            ))}
          </div>
          <Loaded reading={reading}>
            {({ images }) =>
              hasNone && images.totalCount === 0 && words === "" ? null : (
                <Gallery
                  images={images.nodes}
                  total={images.totalCount}
                  hasMore={images.pageInfo.hasNextPage}
                  onMore={() => setPages(pages + 1)}
                  onOpen={open}
                  search={typed}
                  onSearch={setTyped}
                />
              )
            }
          </Loaded>
        </div>
      </div>
      {shown ? (
        <Viewer
          image={shown}
          before={all[at - 1]?.id ?? null}
          after={all[at + 1]?.id ?? null}
          onOpen={open}
          onUseAgain={(image) => take(draftOf(image, models, draft))}
          onUseAsSource={model?.imageOffer.takesSource ? (image) => take({ ...draft, source: image }) : null}
          whyNoSource={
            model
              ? t("{{name}} makes images from words alone.", model)
              : t("Choose a model that starts from a picture first.")
          }
        />
      ) : null}
    </>
  );
}

/** The form's values; the model that was chosen last is chosen again, the first one where there was none. */
function useDraft(models: readonly ImageModel[]): [Draft, (draft: Draft) => void] {
  const [last, setLast] = useLocalStorage<string | null>({
    key: "espalier-image-model",
    defaultValue: null,
    getInitialValueInEffect: false,
  });
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  const wanted = draft.modelId ?? last;
  const model = models.find(({ id }) => id === wanted) ?? models[0];
  return [
    model ? within(draft, model) : draft,
    (next) => {
      setDraft(next);
      setLast(next.modelId);
    },
  ];
}
