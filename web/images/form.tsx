// The form of images: words, model, ratio, how many, seed and a picture to start from; what the model cannot do says so.
import { Button, Group, NumberInput, SegmentedControl, Select, Stack, Text, Textarea } from "@mantine/core";
import { useWhyNot } from "../accounts/viewer.tsx";
import { act } from "../api/client.ts";
import { useWork } from "../api/data.ts";
import { t } from "../i18n.ts";
import { dollars } from "../providers/words.ts";
import { ProblemNotice } from "../ui/states.tsx";
import { boxOf, type Draft, within } from "./draft.ts";
import { type ImageModel, startImages } from "./queries.ts";
import { SourceField } from "./source-field.tsx";

const COUNTS = [1, 2, 3, 4];

export function ImageForm(props: {
  models: readonly ImageModel[];
  draft: Draft;
  onChange: (draft: Draft) => void;
  onStarted: () => void;
}) {
  const { models, draft, onChange } = props;
  const work = useWork();
  const why = useWhyNot()("chat");
  const model = models.find(({ id }) => id === draft.modelId);
  const change = (part: Partial<Draft>) => onChange({ ...draft, ...part });
  const missing = !model
    ? t("Choose a model.")
    : draft.prompt.trim() === ""
      ? t("Say in words what the image shows.")
      : null;
  const blocked = why ?? missing;
  const make = () =>
    void work.run(async () => {
      const { modelId, source, ...rest } = draft;
      await act(startImages, { input: { ...rest, model: modelId ?? "", sourceId: source?.id ?? null } });
      props.onStarted();
    });
  return (
    <form
      aria-label={t("Make images")}
      className="e-surface e-image-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!blocked) make();
      }}
    >
      <Stack gap={16}>
        <Textarea
          label={t("What the image shows")}
          placeholder={t("A red fox in the first snow, morning light, watercolour")}
          value={draft.prompt}
          autosize
          minRows={4}
          maxRows={12}
          onChange={(event) => change({ prompt: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || blocked || work.isBusy) return;
            event.preventDefault();
            make();
          }}
        />
        <Select
          label={t("Model")}
          placeholder={t("Choose a model")}
          data={models.map(({ id, name }) => ({ value: id, label: name }))}
          value={draft.modelId}
          searchable
          allowDeselect={false}
          onChange={(id) => {
            const next = models.find((one) => one.id === id);
            if (next) onChange(within(draft, next));
          }}
        />
        <Ratios model={model} value={draft.ratio} onChange={(ratio) => change({ ratio })} />
        <div>
          <Text size="sm" fw={500} mb={4} id="image-count">
            {t("How many")}
          </Text>
          <SegmentedControl
            fullWidth
            aria-labelledby="image-count"
            data={COUNTS.map((count) => ({ value: String(count), label: String(count) }))}
            value={String(draft.count)}
            onChange={(value) => change({ count: Number(value) })}
          />
        </div>
        <SourceField model={model} source={draft.source} onChange={(source) => change({ source })} />
        <NumberInput
          label={t("Seed")}
          description={seedWords(model)}
          placeholder={model?.imageOffer.seed === "KEPT" ? t("drawn") : ""}
          min={0}
          max={858_993_000}
          allowDecimal={false}
          value={draft.seed ?? ""}
          disabled={model?.imageOffer.seed === "NONE"}
          onChange={(value) => change({ seed: typeof value === "number" ? value : null })}
        />
        {work.problem ? <ProblemNotice problem={work.problem} /> : null}
        <div>
          <Button
            type="submit"
            fullWidth
            loading={work.isBusy}
            disabled={blocked !== null}
            title={blocked ?? t("Ctrl Enter makes them too")}
          >
            {draft.count === 1 ? t("Make the image") : t("Make {{n}} images", { n: draft.count })}
          </Button>
          <Group justify="center" mt={4}>
            <Text size="xs" c="dimmed" ta="center">
              {blocked ?? priceWords(model, draft.count)}
            </Text>
          </Group>
        </div>
      </Stack>
    </form>
  );
}

function seedWords(model: ImageModel | undefined): string {
  if (!model) return "";
  const { seed } = model.imageOffer;
  if (seed === "NONE") return t("{{name}} has no seed: it cannot make the same image twice.", model);
  return seed === "KEPT"
    ? t("The same seed with the same words gives the same image. Left empty, one is drawn and kept.")
    : t("It is passed on; whether it counts is up to the server there.");
}

function priceWords(model: ImageModel | undefined, count: number): string {
  const price = model?.prices.image ?? null;
  if (price === null) return t("It goes on when you leave the page.");
  return t("About {{price}}. It goes on when you leave the page.", { price: dollars(price * count) });
}

/** Ratios as they look. */
function Ratios(props: {
  model: ImageModel | undefined;
  value: string | null;
  onChange: (ratio: string | null) => void;
}) {
  const ratios = props.model?.imageOffer.ratios ?? [];
  const choices = [null, ...ratios];
  return (
    <fieldset className="e-ratios">
      <legend>{t("Ratio")}</legend>
      <div>
        {choices.map((ratio) => {
          const name = ratio ?? t("automatic");
          return (
            <label key={name} {...(props.value === ratio ? { "data-chosen": "" } : {})}>
              <input
                type="radio"
                name="ratio"
                aria-label={name}
                checked={props.value === ratio}
                onChange={() => props.onChange(ratio)}
              />
              <span aria-hidden>
                <i style={boxOf(ratio, 24)} {...(ratio === null ? { "data-automatic": "" } : {})} />
              </span>
              <small aria-hidden>{name}</small>
            </label>
          );
        })}
      </div>
      {props.model && ratios.length === 0 ? (
        <Text size="xs" c="dimmed">
          {t("{{name}} chooses the ratio itself.", props.model)}
        </Text>
      ) : null}
    </fieldset>
  );
}
