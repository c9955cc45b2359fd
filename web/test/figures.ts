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
    INSERT INTO counters SELECT owner, '00000000-0000-0000-0000-000000000000', 16, ${many} FROM documents LIMIT 1;
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
  const browser = await page.context().newCDPSession(page)
  await browser.send('Performance.enable')
  const spent = async () => new Map((await browser.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]))
  const before = await spent()
  await page.mouse.move(600, 400)
  for (let i = 0; i < 300; i++) {
    await page.mouse.wheel(0, 1600)
    await page.evaluate(() => new Promise(requestAnimationFrame))
  }
  const after = await spent()
  const of = (name: string) => `${name} ${((after.get(name) ?? 0) - (before.get(name) ?? 0)).toFixed(2)} s`
  t.diagnostic(`scrolling took ${['Timestamp', 'TaskDuration', 'ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration'].map(of).join(', ')}`)
  tasks.push(...await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks))
  t.diagnostic(`tasks over 50 ms while ${await page.locator('li.row').first().getAttribute('aria-posinset')} documents were scrolled through: ${tasks.length}, the longest ${Math.max(0, ...tasks)} ms`)

  // Each word in a page of its own, as the first search of a visit.
  const kinds = { 'a word in 100 documents': 0, 'a word in 2,000': 1, 'a word in all': 2 }
  for (const [kind, of] of Object.entries(kinds)) {
    const all: Search[] = []
    for (let i = 0; i < 10; i++) {
      const page = await w.open()
      await page.locator('li.row').first().waitFor()
      const word = await page.evaluate(async ([n, of]) => {
        const list = (await (await fetch(`/api/documents?per_page=100&page=${n}`)).json()) as { documents: { id: string }[] }
        const text = await (await fetch(`/api/documents/${list.documents[0]?.id}/text`)).text()
        return [...(text.match(/[0-9a-f]{32}/g) ?? []), 'archive'][of ?? 0] ?? ''
      }, [i + 1, of])
      const [search] = await Promise.all([page.evaluate(timed), page.getByRole('searchbox').fill(word)])
      all.push(search)
      await page.context().close()
    }
    say(t, `${kind}: from the last letter until its marked hits are painted`, all.map(({ typed, painted }) => painted - typed))
    say(t, `${kind}: from the question to the vault until then`, all.map(({ asked, painted }) => painted - asked))
    say(t, `${kind}: of it the vault`, all.map(({ asked, answered }) => answered - asked))
    say(t, `${kind}: of it the page`, all.map(({ answered, painted }) => painted - answered))
  }
})

interface Search {
  typed: number
  asked: number
  answered: number
  painted: number
}

// timed runs in the page: the clock of a test would have the way to the browser and back in it.
function timed(): Promise<Search> {
  return new Promise((done) => {
    let typed = 0
    addEventListener('input', (event) => { typed = event.timeStamp }, { capture: true })
    new MutationObserver((_, observer) => {
      if (!document.querySelector('mark')) return
      observer.disconnect()
      requestAnimationFrame(() => {
        // A message comes after what the frame painted.
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => {
          const request = performance.getEntriesByType('resource').findLast((entry) => entry.name.includes('&q=')) as PerformanceResourceTiming
          done({ typed, asked: request.startTime, answered: request.responseEnd, painted: performance.now() })
        }
        port2.postMessage(null)
      })
    }).observe(document, { childList: true, subtree: true })
  })
}

function say(t: { diagnostic: (text: string) => void }, what: string, all: number[]) {
  all.sort((a, b) => a - b)
  const quantile = (part: number) => Math.round(all[Math.floor(all.length * part)] ?? NaN)
  t.diagnostic(`${what}: p50 ${quantile(0.5)} ms, p95 ${quantile(0.95)} ms`)
}
