// The object types that name each other: their refs first, so that each file can implement its own.

import type {
  AliasRow,
  BaseModelRow,
  CompleteModelRow,
  CustomizedModelRow,
  DeploymentRow,
  ModelEntry as ModelEntryShape,
  ProviderRow,
  ThirdPartyModelRow,
  TrainingRow,
} from "../../models/models.ts";
import { builder } from "../builder.ts";
import type { TrainerRow } from "../trainers.ts";

export const BaseModel = builder.objectRef<BaseModelRow>("BaseModel");
export const CustomizedModel = builder.objectRef<CustomizedModelRow>("CustomizedModel");
export const CompleteModel = builder.objectRef<CompleteModelRow>("CompleteModel");
export const LiveModel = builder.objectRef<DeploymentRow>("LiveModel");
export const RegisteredModel = builder.objectRef<AliasRow>("RegisteredModel");
export const ModelEntry = builder.objectRef<ModelEntryShape>("ModelEntry");
export const Provider = builder.objectRef<ProviderRow>("Provider");
export const ThirdPartyModel = builder.objectRef<ThirdPartyModelRow>("ThirdPartyModel");
export const Training = builder.objectRef<TrainingRow>("Training");
export const Trainer = builder.objectRef<TrainerRow>("Trainer");
