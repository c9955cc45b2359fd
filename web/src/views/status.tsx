import { useEffect, useState } from 'preact/hooks'
import { api, type Health, type Stats } from '../api/api'
import { Away, Problem } from '../api/problem'
import { bytes, explain, number, seconds, t, type Key } from '../i18n'
import { Icon } from '../parts/icon'
import { Wrong } from '../parts/wrong'
import { returns } from '../state/connection'

const readEvery = 3000

// StatusView says how the vault fares, anew every few seconds.
export function StatusView() {
  const [health, setHealth] = useState<Health>()
  const [stats, setStats] = useState<Stats>()
  const [wrong, setWrong] = useState('')
  useEffect(() => { document.title = `${t('status')} · DocVault` }, [])
  useEffect(() => {
    const given = new AbortController()
    const read = async () => {
      try {
        setHealth(await api.health(given.signal))
        setStats(await api.stats(given.signal))
        setWrong('')
      } catch (error) {
        if (given.signal.aborted) return
        // Of the others the page says more elsewhere.
        setWrong(error instanceof Away || (error instanceof Problem && error.status === 401) ? '' : explain(error))
      }
    }
    void read()
    const timer = setInterval(() => void read(), readEvery)
    return () => {
      clearInterval(timer)
      given.abort()
    }
  }, [returns.value])
  return (
    <>
      <div class="head"><h1>{t('status')}</h1></div>
      <Wrong text={wrong} />
      <div class="cards">
        {health && (
          <section class="card">
            <h2>{t('health')}</h2>
            <p class={health.status === 'ok' ? 'good' : 'wrong'}><Icon name={health.status === 'ok' ? 'done' : 'warning'} />{t(`health.${health.status}`)}</p>
            <dl>
              {Object.entries(health.checks).map(([name, said]) => (
                <div key={name}><dt>{t(name as Key)}</dt><dd class={said === 'ok' ? '' : 'wrong'}>{t(said === 'ok' ? 'ok' : 'noAnswer')}</dd></div>
              ))}
            </dl>
          </section>
        )}
        {stats && <Numbers stats={stats} />}
      </div>
    </>
  )
}

function Numbers({ stats }: { stats: Stats }) {
  const { documents, queue } = stats
  const rows: [Key, string][] = [
    ['total', number(documents.total)], ['status.ready', number(documents.ready)], ['status.pending', number(documents.pending)],
    ['status.processing', number(documents.processing)], ['status.failed', number(documents.failed)], ['stored', bytes(stats.bytes)],
    ['inTrash', `${number(documents.trashed)} · ${bytes(stats.trashed_bytes)}`],
    ['queue', queue.depth === null ? t('unknown') : number(queue.depth)], ['active', queue.active === null ? t('unknown') : number(queue.active)],
    ['oldest', seconds(stats.oldest_pending_seconds)],
  ]
  return (
    <section class="card">
      <h2>{t('numbers')}</h2>
      <dl>{rows.map(([label, value]) => <div key={label}><dt>{t(label)}</dt><dd>{value}</dd></div>)}</dl>
    </section>
  )
}
