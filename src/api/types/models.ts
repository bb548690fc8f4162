// Every state of a model: base, customized, complete, live, registered; and what leads from one to the next.
import type {
  BaseModel as BaseShape,
  CompleteModel as CompleteShape,
  CustomizedModel as CustomizedShape,
  ModelEntry as EntryShape,
} from "../../models/models.ts";
import type { LiveModel as LiveShape, RegisteredModel as RegisteredShape } from "../../serving/serving.ts";
import { builder, needs } from "../builder.ts";
import { LineageNode, NodeInterface, UserErrorInfo } from "./common.ts";
import { DeploymentStatus, ModelKind, Precision } from "./enums.ts";
import { Training } from "./refs.ts";

export const BaseModel = builder.objectRef<BaseShape>("BaseModel");
export const CustomizedModel = builder.objectRef<CustomizedShape>("CustomizedModel");
export const CompleteModel = builder.objectRef<CompleteShape>("CompleteModel");
export const LiveModel = builder.objectRef<LiveShape>("LiveModel");
export const RegisteredModel = builder.objectRef<RegisteredShape>("RegisteredModel");
export const ModelEntry = builder.objectRef<EntryShape>("ModelEntry");
