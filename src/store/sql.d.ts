// SQL files are imported as text, so that the executable carries them.
declare module "*.sql" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: a text import has only a default.
  export default text;
}
