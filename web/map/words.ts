// The words of the map: stage titles, their pages, edge labels and what an edge means.
import { t } from "../i18n.ts";

/** Lifecycle order, also the order of the folded list and of the Tab key. */
export const stageOrder = [
  "base",
  "datasets",
  "customized",
  "complete",
  "live",
  "registered",
  "assessment",
  "chat",
  "knowledge",
  "thirdParty",
] as const;

const titles: Record<string, string> = {
  base: t("Base models"),
  datasets: t("Datasets"),
  customized: t("Customized"),
  complete: t("Complete"),
  live: t("Live"),
  registered: t("Registered"),
  assessment: t("Assessment"),
  chat: t("Chat"),
  knowledge: t("Knowledge bases"),
  thirdParty: t("Third-party"),
};

const homes: Record<string, string> = {
  base: "/base-models",
  datasets: "/datasets",
  customized: "/customized",
  complete: "/complete",
  live: "/live",
  registered: "/registered",
  assessment: "/assessments",
  chat: "/chat",
  knowledge: "/knowledge",
  thirdParty: "/third-party",
};

const edges: Record<string, string> = {
  train: t("train"),
  "train.why": t("Training a base model on a dataset makes a customized model."),
  save: t("save"),
  "save.why": t("Saving merges a customized model with its base into a complete model."),
  deploy: t("deploy"),
  "deploy.why": t("Deploying a complete model makes it live."),
  register: t("register"),
  "register.why": t("Registering gives a live model a stable name."),
  deployBase: t("deploy the base"),
  "deployBase.why": t("A base model can go live as it is."),
  trainSave: t("train to complete"),
  "trainSave.why": t("A training can save its result as a complete model at once."),
  deployCustomized: t("deploy as it is"),
  "deployCustomized.why": t("A customized model can go live as base and adapter, without saving."),
  "datasetTrain.why": t("Training needs a dataset."),
  "chatBase.why": t("Chat can use a base model as it is."),
  "chatCustomized.why": t("Chat can use a customized model."),
  "chatComplete.why": t("Chat can use a complete model."),
  "chatLive.why": t("Chat can use a live model."),
  "chatRegistered.why": t("Chat can use a registered model by its alias."),
  "assessDataset.why": t("Assessment needs a dataset."),
  "assessModel.why": t("Assessment needs a model."),
  "chatKnowledge.why": t("Chat may look things up in a knowledge base."),
  "chatThirdParty.why": t("Chat may use third-party models."),
  "assessKnowledge.why": t("An assessment may look things up in a knowledge base."),
  "assessThirdParty.why": t("An assessment may compare with third-party models."),
};

export const stageTitle = (key: string): string => titles[key] ?? key;
export const stageHome = (key: string): string => homes[key] ?? "/";
export const edgeWord = (key: string): string => edges[key] ?? "";
