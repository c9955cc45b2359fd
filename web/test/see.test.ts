import assert from 'node:assert/strict'
import { test } from 'node:test'
import { add, ask, file, ready, row, world } from './page'

const w = world()
const many = 100_000

// upload puts a file in beside the page, as another program does.
async function upload(page: Parameters<typeof add>[0], name: string, text: string) {
  const response = await page.request.post('/api/documents/upload', { multipart: { file: file(name, text) } })
  assert.equal(response.status(), 200)
  return ((await response.json()) as { id: string }).id
}

test('the list follows what happens elsewhere', async () => {
  const page = await w.open()
  const other = await w.open()
  await page.getByRole('heading', { name: 'Put your papers in' }).waitFor()
  const id = await upload(page, 'from elsewhere.txt', 'put in by another program')
  await ready(page, 'from elsewhere.txt')
  await ready(other, 'from elsewhere.txt')
  await ask(page, 'PATCH', `/api/documents/${id}`, { original_name: 'renamed.txt' })
  await row(page, 'renamed.txt').waitFor()
  await ask(page, 'POST', '/api/topics', { name: 'Letters', color: '#00ff00' })
  await page.getByRole('navigation').getByRole('link', { name: /Letters/ }).waitFor()
  await ask(page, 'PATCH', `/api/documents/${id}`, { topics: ['Letters'] })
  await row(page, 'renamed.txt').locator('.chip', { hasText: 'Letters' }).waitFor()

  // Two windows: what one does, the other shows.
  await row(other, 'renamed.txt').getByRole('link').click()
  await other.getByRole('button', { name: 'Delete' }).click()
  await row(page, 'renamed.txt').waitFor({ state: 'detached' })
  await page.context().close()
  await other.context().close()
})

test('without a stream the list is read anew', async () => {
  const page = await w.open('/status')
  await page.route('**/api/events', (route) => route.abort())
  await page.reload()
  await page.getByRole('link', { name: 'All documents' }).click()
  await page.getByRole('heading', { name: 'Put your papers in' }).waitFor()
  await upload(page, 'polled.txt', 'seen without a stream')
  await ready(page, 'polled.txt')
  await page.context().close()
})

test(`the list stays quick at ${many} documents`, async (t) => {
  // Without the triggers, which would take minutes; what they keep is written by hand, in a slot that no
  // connection has (0 to 15). They are searched by nobody here.
  w.stack.sql(`
    ALTER TABLE documents DISABLE TRIGGER USER;
    INSERT INTO objects (id, key, document_id, state)
      SELECT md5('object' || i)::uuid, i::text, md5('document' || i)::uuid, 'live' FROM generate_series(1, ${many}) i;
    INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256, status, created_at)
      SELECT md5('document' || i)::uuid, md5('object' || i)::uuid, i::text, 'paper ' || i || '.odd', 'text/x-odd', 'text', i,
        sha256(convert_to(i::text, 'UTF8')), 'ready', now() - interval '1 day' - i * interval '1 minute' FROM generate_series(1, ${many}) i;
    ALTER TABLE documents ENABLE TRIGGER USER;
    INSERT INTO counters SELECT owner, '00000000-0000-0000-0000-000000000000', 16, ${many} FROM documents LIMIT 1;
    ANALYZE documents, objects;`)
  const page = await w.open()
  await page.getByText('more than 10,000 documents').waitFor()
  await page.evaluate(() => {
    const tasks: number[] = ((window as unknown as { tasks: number[] }).tasks = [])
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' })
  })
  // Down through some thousands, by the wheel: there are never more rows than a few screens have.
  await page.mouse.move(600, 400)
  for (let i = 0; i < 150; i++) {
    await page.mouse.wheel(0, 1600)
    await page.evaluate(() => new Promise(requestAnimationFrame))
    assert.ok((await page.locator('li.row').count()) < 60)
  }
  assert.ok(Number(await page.locator('li.row').first().getAttribute('aria-posinset')) > 1000)
  const tasks = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks)
  t.diagnostic(`long tasks while scrolling: ${tasks.length}, the longest ${Math.max(0, ...tasks)} ms`)

  // What is renamed far below the first hundred says so by itself, and stays where it is when others come in above.
  const far = page.locator('li.row').nth(14)
  const at = Number(await far.getAttribute('aria-posinset'))
  const link = await far.getByRole('link').getAttribute('href')
  await ask(page, 'PATCH', `/api${link}`, { original_name: 'renamed far below.txt' })
  await row(page, 'renamed far below.txt').waitFor()
  const place = () => row(page, 'renamed far below.txt').evaluate((element) => element.getBoundingClientRect().top)
  const before = await place()
  await upload(page, 'the newest.txt', 'comes in at the top')
  await page.waitForFunction(([href, was]) => {
    const now = document.querySelector(`li.row a[href="${href}"]`)?.closest('li')?.getAttribute('aria-posinset')
    return Number(now) === Number(was) + 1
  }, [link, at])
  assert.ok(Math.abs((await place()) - before) < 2, 'what is in sight moved')

  // There and back again: the place is kept.
  const name = await page.locator('li.row').nth(12).locator('.name').innerText()
  await row(page, name).scrollIntoViewIfNeeded()
  const top = await page.evaluate(() => scrollY)
  await row(page, name).getByRole('link').click()
  await page.getByRole('heading', { level: 1, name: name }).waitFor()
  await page.goBack()
  await row(page, name).waitFor()
  await page.waitForFunction((was) => Math.abs(scrollY - was) < 2, top)

  await page.getByRole('combobox', { name: 'Order' }).selectOption('Name, Z to A')
  await row(page, 'polled.txt').waitFor()
  const began = Date.now()
  await page.getByRole('searchbox').fill('without')
  await page.getByText('1 document found').waitFor()
  t.diagnostic(`from the last letter to the result: ${Date.now() - began} ms`)
  await page.context().close()
})

test('where the list cannot go on it says why, and goes on when it can', async () => {
  const page = await w.open()
  await page.getByText('more than 10,000 documents').waitFor()
  const next = /\/api\/documents\?.*cursor=/
  const refused = JSON.stringify({ status: 500, code: 'internal', detail: 'what went wrong' })
  await page.route(next, (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: refused }))
  const down = () => page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
  await down()
  await page.getByRole('alert').getByText('Something went wrong in the vault').waitFor()
  await page.getByRole('button', { name: 'Try again' }).waitFor()
  await page.unroute(next)
  await page.getByRole('alert').getByText('Something went wrong').waitFor({ state: 'detached' })
  await down()
  await page.waitForFunction(() => Number(document.querySelector('li.row:last-child')?.getAttribute('aria-posinset')) > 100)

  // What gets the focus above what is in sight comes out from under the bars.
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 780 })
    await page.locator('li.row input').first().check()
    await page.evaluate(() => scrollTo(0, 5000))
    await page.waitForFunction(() => Number(document.querySelector('li.row')?.getAttribute('aria-posinset')) > 20)
    const [top, bars] = await page.evaluate(() => {
      const link = document.querySelector<HTMLElement>('li.row a.link')
      link?.focus()
      return [link?.getBoundingClientRect().top ?? 0, document.querySelector('.bulk')?.getBoundingClientRect().bottom ?? 0]
    })
    assert.ok(top >= bars, `at ${width} the focus is at ${top}, below a bar to ${bars}`)
    await page.getByRole('button', { name: 'Clear selection' }).click()
  }
  await page.context().close()
})
