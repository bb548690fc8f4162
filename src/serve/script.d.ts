// The trainer's set-up script, imported as text.
declare module "*/prepare-trainer" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: a text import has only a default.
  export default text;
}
