// Builds the web UI into web/dist: absolute asset paths, hashed names, no inline script, so that a strict CSP holds.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const require = createRequire(import.meta.url);

/** GraphiQL as files of our own: the package inlines them into one page, which a strict policy would not run. */
function graphiql(): Plugin {
  return {
    name: "graphiql",
    apply: "build",
    async generateBundle() {
      // Not by import.meta.resolve: Vite rewrites that in its own configuration, in a way that Bun does not know.
      const entry = require.resolve("@graphql-yoga/render-graphiql");
      const inside = pathToFileURL(join(dirname(entry), "../esm/graphiql.js"));
      const parts: Record<"js" | "css" | "editorWorkerService" | "jsonWorker" | "graphqlWorker", string> =
        await import(inside.href);
      const files = {
        "graphiql.js": parts.js,
        "graphiql.css": parts.css,
        // Named as Monaco asks for them.
        "editorWorkerService.worker.js": parts.editorWorkerService,
        "json.worker.js": parts.jsonWorker,
        "graphql.worker.js": parts.graphqlWorker,
      };
      for (const [name, source] of Object.entries(files))
        this.emitFile({ type: "asset", fileName: `graphiql/${name}`, source });
    },
  };
}

/** KaTeX names each font in three formats; every browser that the UI runs in takes the first. */
function onlyWoff2(): Plugin {
  return {
    name: "only-woff2",
    enforce: "pre",
    transform: (code, id) =>
      id.endsWith("katex.min.css")
        ? code.replaceAll(/,url\([^)]+\.(?:woff|ttf)\) format\("[a-z]+"\)/g, "")
        : null,
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: "/",
  plugins: [react(), graphiql(), onlyWoff2()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      output: {
        // A file for each module that pages share makes seventy requests of one page, and each costs milliseconds.
        codeSplitting: {
          groups: [
            { name: "app", tags: ["$initial"] },
            {
              name: "markdown",
              test: /mdast|hast|micromark|remark|rehype|unified|markdown|katex|highlight|lowlight/,
              minShareCount: 2,
            },
            { name: "shared", minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ["/graphql", "/auth", "/uploads", "/files", "/v1"].map((path) => [
        path,
        { target: "http://127.0.0.1:7420", ws: path === "/graphql" },
      ]),
    ),
  },
});
