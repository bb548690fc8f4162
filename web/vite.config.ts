// Builds the web UI into web/dist: absolute asset paths, hashed names, no inline script, so that a strict CSP holds.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "/",
  plugins: [react()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  server: {
    proxy: Object.fromEntries(
      ["/graphql", "/auth", "/uploads", "/files", "/v1"].map((path) => [path, "http://127.0.0.1:7420"]),
    ),
  },
});
