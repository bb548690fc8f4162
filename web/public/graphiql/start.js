// Starts GraphiQL on the page that src/api/graphiql.ts answers; its parts lie beside this file (see vite.config.ts).
self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_module, label) => `/graphiql/${label}.worker.js`,
};
YogaGraphiQL.renderYogaGraphiQL(document.querySelector("#root"), {
  endpoint: "/graphql",
  credentials: "same-origin",
  subscriptionsProtocol: "SSE",
  title: "GraphiQL of Espalier",
  logo: '<img src="/mark.svg" alt="" width="28" height="28">',
  defaultQuery: `# Everything that the pages of Espalier show and do is here, and nothing else:
# they use this API too. Ctrl-Space completes, Ctrl-Enter runs.
query Models {
  viewer { name project }
  models(first: 20) {
    totalCount
    nodes { name kind usable reason }
  }
}

# Runs as they change; open the chat or import something to see it speak.
subscription Runs {
  runChanged { kind name status progress }
}
`,
});
