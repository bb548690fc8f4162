// What the server says on the map, in the page's language: the server speaks English, names of the user's own among it.
import { t } from "../i18n.ts";

type Template = { key: string; shape: RegExp };
/** A sentence of the server as src/api/process-map.ts writes it; locales/extract.ts finds it by this call. */
const template = (key: string): Template => ({
  key,
  shape: new RegExp(`^${key.replace(/[.*+?()|[\]\\]/g, "\\$&").replace(/\{\{(\w+)\}\}/g, "(?<$1>.+)")}$`),
});

const templates = [
  template("Next: import a base model."),
  template("Everything grows from one: a Hugging Face folder or a GGUF file."),
  template("Import a base model"),
  template("Next: import a dataset."),
  template("A training learns from its examples."),
  template("Import a dataset"),
  template("{{name}} waits for a trainer."),
  template("{{name}} is under way."),
  template("It starts as soon as a trainer is free."),
  template("Watch its loss fall; it goes on when you leave."),
  template("Watch it"),
  template("It goes on when you leave."),
  template("Look at it"),
  template("Next: train your first model."),
  template("The sample takes a few minutes on a laptop."),
  template("Train"),
  template("Next: talk to a base model."),
  template("Training needs a trainer; chatting and deploying do not."),
  template("Chat"),
  template("Next: talk to {{name}}."),
  template("Side by side with its base you see what it learned."),
  template("Compare in chat"),
  template("Next: save {{name}} as a complete model."),
  template("It then needs its base no more and can be taken anywhere."),
  template("Save"),
  template("Next: deploy {{name}}."),
  template("A live model answers people and programs."),
  template("Deploy"),
  template("Next: register {{name}}."),
  template("An alias stays the same when the model behind it changes."),
  template("Register"),
  template("{{name}} is in service."),
  template("Talk to it here, or from any OpenAI client."),
  template("Chat with {{name}}"),
  template("Train another model."),
  template("Try other parameters, or another dataset."),
  template("a base model"),
  template("a dataset"),
  template("a trainer"),
  template("a customized model"),
  template("a live model"),
  template("a model"),
  template("Weights we start from."),
  template("Import"),
  template("What trainings make."),
  template("Merged and self-contained."),
  template("Save another"),
  template("Stable names."),
  template("Talk to any model, or up to four side by side."),
  template("Open chat"),
  template("Documents that answer."),
  template("Open"),
  template("Create"),
  template("{{name}}, {{n}} rows"),
  template("No import has succeeded yet."),
  template("Examples to learn from."),
  template("None is in service."),
  template("Models that answer."),
  template("{{n}} in service"),
  template("{{name}}, in service"),
  template("Next: create a knowledge base."),
  template("Training needs a trainer; finding answers in your documents does not."),
  template("Next: connect a third-party model."),
  template("Training needs a trainer; comparing yours with a model that others serve does not."),
  template("Connect"),
  template("Nothing waits for you."),
  template("To train a model, connect a trainer."),
  template("{{name}}: no model chosen yet."),
  template("Models that others serve."),
  template("Choose models"),
];

/** The sentence in the page's language; as it is where it is no sentence of the server but a name. */
export function said(text: string): string {
  for (const { key, shape } of templates) {
    const match = shape.exec(text);
    if (match) return t(key, { ...match.groups });
  }
  return text;
}
