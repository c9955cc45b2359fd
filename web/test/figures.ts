import { test } from 'node:test'
import { world } from './page'

// The page's figures of docs/benchmarks.md: hack/services run hack/web-test test/figures.ts. Nothing is asserted: it depends on the machine.
const w = world()
const many = 100_000

test('figures', async (t) => {
  w.stack.sql(`
    ALTER TABLE documents DISABLE TRIGGER USER;
    ALTER TABLE document_texts DISABLE TRIGGER USER;
    INSERT INTO objects (id, key, document_id, state)
      SELECT md5('object' || i)::uuid, i::text, md5('document' || i)::uuid, 'live' FROM generate_series(1, ${many}) i;
    INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256, status, language, created_at)
      SELECT md5('document' || i)::uuid, md5('object' || i)::uuid, i::text, 'paper ' || i || '.odd', 'text/x-odd', 'text', i,
        sha256(convert_to(i::text, 'UTF8')), 'ready', 'en', now() - i * interval '1 minute' FROM generate_series(1, ${many}) i;
    INSERT INTO document_texts (document_id, text)
      SELECT id, 'A letter about ' || md5((size % 1000)::text) || ', kept in the archive of ' || md5((size % 50)::text) FROM documents;
    INSERT INTO document_search SELECT d.id, d.owner, d.created_at, false, 'en', search_terms('en', d.original_name, x.text)
      FROM documents d JOIN document_texts x ON x.document_id = d.id;
    INSERT INTO counters SELECT owner, '00000000-0000-0000-0000-000000000000', 0, ${many} FROM documents LIMIT 1;
    INSERT INTO search_languages VALUES ('en') ON CONFLICT DO NOTHING;
    ANALYZE;`)
  const views: number[] = []
  for (let i = 0; i < 10; i++) {
    const page = await w.open()
    const shown = await page.waitForFunction(() => document.querySelector('li.row') !== null && performance.now())
    views.push(Number(await shown.jsonValue()))
    await page.context().close()
  }
  say(t, 'first view, from navigation to the first rows', views)

  const page = await w.open()
  await page.locator('li.row').first().waitFor()
  const tasks: number[] = await page.evaluate(() => {
    const all: number[] = []
    new PerformanceObserver((list) => all.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' })
    Object.assign(window, { tasks: all })
    return all
  })
  await page.mouse.move(600, 400)
  for (let i = 0; i < 300; i++) {
    await page.mouse.wheel(0, 1600)
    await page.evaluate(() => new Promise(requestAnimationFrame))
  }
  tasks.push(...await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks))
  t.diagnostic(`tasks over 50 ms while ${await page.locator('li.row').first().getAttribute('aria-posinset')} documents were scrolled through: ${tasks.length}, the longest ${Math.max(0, ...tasks)} ms`)

  const searches: number[] = []
  for (let i = 0; i < 20; i++) {
    const page = await w.open()
    await page.locator('li.row').first().waitFor()
    // A word in a hundred documents, and one in two thousand.
    const word = await page.evaluate(async ([n, of]) => {
      const letter = (await (await fetch(`/api/documents?per_page=100&page=${n}`)).json()) as { documents: { id: string }[] }
      const text = await (await fetch(`/api/documents/${letter.documents[0]!.id}/text`)).text()
      return text.match(/[0-9a-f]{32}/g)![of!]!
    }, [i + 1, i % 2])
    const began = Date.now()
    await page.getByRole('searchbox').fill(word)
    await page.locator('mark').first().waitFor()
    searches.push(Date.now() - began - 120)
    await page.context().close()
  }
  say(t, 'from the end of typing to the result, without the rest of 120 ms', searches)
})

function say(t: { diagnostic: (text: string) => void }, what: string, all: number[]) {
  all.sort((a, b) => a - b)
  t.diagnostic(`${what}: p50 ${Math.round(all[Math.floor(all.length / 2)]!)} ms, p95 ${Math.round(all[Math.floor(all.length * 0.95)]!)} ms`)
}
