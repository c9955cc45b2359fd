import { defineConfig, type Plugin } from 'vite'

// Where `make web-dev` finds the API: that of `make dev`, unless DOCVAULT_URL names another.
const api = process.env.DOCVAULT_URL ?? 'http://127.0.0.1:8000'
const proxied = ['/api', '/health', '/livez', '/readyz', '/docs', '/openapi.json']

// What the program writes into the page that it serves is asked of it for the page as it is edited.
const facts: Plugin = {
  name: 'vault-facts',
  apply: 'serve',
  transformIndexHtml: async (html) => {
    const served = await fetch(api, { headers: { Accept: 'text/html' } }).then((answer) => answer.text(), () => '')
    const written = /<meta name="vault" content="[^"]+">/.exec(served)
    return written ? html.replace('<meta name="vault" content="">', () => written[0]) : html
  },
}

export default defineConfig({
  plugins: [facts],
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    outDir: '../runtime/web/dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    // Files in the page itself would need unsafe rules in its Content-Security-Policy.
    assetsInlineLimit: 0,
  },
  server: {
    port: 5173,
    strictPort: true,
    // The API refuses changes that come from another site: with changeOrigin, the proxied page would be one.
    proxy: Object.fromEntries(proxied.map((path) => [path, { target: api, changeOrigin: false }])),
  },
})
