// WebAssembly files are imported as the path where their bytes lie.
declare module "*.wasm" {
  const path: string;
  // biome-ignore lint/style/noDefaultExport: how Bun gives such a path
  export default path;
}
