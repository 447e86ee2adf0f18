import { defineConfig } from 'vite';

export default defineConfig({
  // The server serves the pages at their own routes and everything they load under /static/.
  base: '/static/',
  build: {
    outDir: '../server/static',
    emptyOutDir: true,
    target: 'es2022',
    // The content policy of the dashboard allows no `data:` addresses.
    assetsInlineLimit: 0,
    // One page an entry.
    rolldownOptions: {
      input: { index: 'index.html', graphiql: 'graphiql.html' },
      // Libraries mark files for React servers; here they all run in the browser.
      checks: { moduleLevelDirective: false },
    },
    // The editor (Monaco) and its language workers are this large; they load once and are cached.
    chunkSizeWarningLimit: 8000,
  },
  worker: { format: 'es' },
});
