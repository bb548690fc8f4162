// Every place one can go by name or by keyboard: one table for the navigation, the palette and the shortcuts.
import { t } from "../i18n.ts";

export type Place = {
  to: string;
  /** As in the navigation. */
  label: string;
  /** As in the palette, where the group is not there to explain it. */
  name: string;
  /** After `g`. */
  key?: string;
  /** The stage of the process map whose count stands beside it. */
  stage?: string;
};

const place = (to: string, label: string, key?: string, stage?: string, name = label): Place => ({
  to,
  label,
  name,
  ...(key ? { key } : {}),
  ...(stage ? { stage } : {}),
});

export const groups: { title: string | null; places: Place[] }[] = [
  {
    title: null,
    places: [
      place("/", t("Process map"), "m"),
      place("/dashboard", t("Dashboard"), "a"),
      place("/chat", t("Chat"), "c", "chat"),
      place("/images", t("Images"), "i"),
    ],
  },
  {
    title: t("Prepare"),
    places: [
      place("/base-models", t("Base models"), "b", "base"),
      place("/datasets", t("Datasets"), "d", "datasets"),
      place("/knowledge", t("Knowledge bases"), "k", "knowledge"),
    ],
  },
  {
    title: t("Shape"),
    places: [
      place("/trainings", t("Training"), "t", undefined, t("Trainings")),
      place("/assessments", t("Assessments"), "v", "assessment"),
    ],
  },
  {
    title: t("Serve"),
    places: [
      place("/customized", t("Customized"), "u", "customized", t("Customized models")),
      place("/complete", t("Complete"), "o", "complete", t("Complete models")),
      place("/live", t("Live"), "l", "live", t("Live models")),
      place("/registered", t("Registered"), "r", "registered", t("Registered models")),
      place("/third-party", t("Third-party"), "p", "thirdParty", t("Third-party models")),
    ],
  },
  {
    title: t("Look after"),
    places: [
      place("/runs", t("Runs"), "j"),
      place("/trainers", t("Trainers"), "h"),
      place("/trash", t("Deleted"), "x"),
      place("/people", t("People"), "e"),
      place("/settings", t("Settings"), "s"),
    ],
  },
];

export const places: Place[] = groups.flatMap((group) => group.places);

/** Things to do that have a page of their own, and pages of the viewer's menu: the palette and the shortcuts lead there. */
export const deeds: Place[] = [
  place("/account", t("Your account")),
  place("/projects", t("Projects")),
  place("/train", t("Start training"), "n"),
  place("/assess", t("Assess models")),
  place("/gates", t("Gates")),
  place("/suites", t("Suites")),
  place("/datasets?import=1", t("Import dataset")),
  place("/base-models?import=1", t("Import model")),
  place("/knowledge?import=1", t("Create knowledge base")),
];
