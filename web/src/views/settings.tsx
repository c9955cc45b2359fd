import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { api, type ProviderCheck, type ProviderName, type Settings } from '../api/api'
import { explain, explainCheck, t } from '../i18n'
import { Icon } from '../parts/icon'
import { useUnsaved } from '../parts/unsaved'
import { Wrong } from '../parts/wrong'
import { returns } from '../state/connection'
import { tell } from '../state/toasts'

// Typed is what the form holds: it outlives the view, and is kept nowhere but in this window, for a key may be among it.
interface Typed {
  active: ProviderName
  prompt: string
  model: Partial<Record<ProviderName, string>>
  url: Partial<Record<ProviderName, string>>
  key: Partial<Record<ProviderName, string>>
}

const stored = signal<Settings | null>(null)
const typed = signal<Typed | null>(null)
// changed counts the changes that were taken: what was read meanwhile may be older than they are.
let changed = 0

const names: ProviderName[] = ['builtin', 'anthropic', 'openai', 'lmstudio']
const withModel = ['anthropic', 'openai', 'lmstudio'] as const
const withURL = ['openai', 'lmstudio'] as const
const withKey = ['anthropic', 'openai'] as const

function typedOf(settings: Settings): Typed {
  const { anthropic, openai, lmstudio } = settings.providers
  return {
    active: settings.active_provider, prompt: settings.system_prompt, key: {},
    model: { anthropic: anthropic.model, openai: openai.model, lmstudio: lmstudio.model },
    url: { openai: openai.base_url, lmstudio: lmstudio.base_url },
  }
}

// merged is `fresh`, with what was typed since the form was as `was`.
function merged(now: Typed, was: Typed, fresh: Typed): Typed {
  const pick = <T,>(typed: T, before: T, after: T) => (typed === before ? after : typed)
  const each = (of: 'model' | 'url' | 'key') =>
    Object.fromEntries(names.map((name) => [name, pick(now[of][name], was[of][name], fresh[of][name])])) as Typed[typeof of]
  return {
    active: pick(now.active, was.active, fresh.active), prompt: pick(now.prompt, was.prompt, fresh.prompt),
    model: each('model'), url: each('url'), key: each('key'),
  }
}

// take shows what is stored now, and keeps what was typed since the form was as `was`.
function take(answer: Settings, was: Typed | null) {
  typed.value = typed.value && was ? merged(typed.value, was, typedOf(answer)) : typedOf(answer)
  stored.value = answer
}

// changesOf is what differs from what is stored, as the API takes it: empty is the default, which is null.
function changesOf(now: Typed, settings: Settings): Record<string, unknown> {
  const was = typedOf(settings)
  const providers: Record<string, Record<string, string | null>> = {}
  const set = (name: ProviderName, field: string, value: string) => { (providers[name] ??= {})[field] = value.trim() || null }
  for (const name of withModel) if (now.model[name] !== was.model[name]) set(name, 'model', now.model[name] ?? '')
  for (const name of withURL) if (now.url[name] !== was.url[name]) set(name, 'base_url', now.url[name] ?? '')
  for (const name of withKey) if (now.key[name]) set(name, 'api_key', now.key[name])
  const changes: Record<string, unknown> = {}
  if (now.active !== was.active) changes.active_provider = now.active
  if (now.prompt !== was.prompt) changes.system_prompt = now.prompt.trim() || null
  if (Object.keys(providers).length > 0) changes.providers = providers
  return changes
}

async function current(): Promise<Settings> {
  const before = changed
  const answer = await api.settings()
  return changed === before ? answer : current()
}

export function SettingsView() {
  const [wrong, setWrong] = useState('')
  const settings = stored.value
  useEffect(() => { document.title = `${t('settings')} · DocVault` }, [])
  useEffect(() => {
    const read = async () => {
      try {
        const answer = await current()
        take(answer, stored.value && typedOf(stored.value))
        setWrong('')
      } catch (error) {
        setWrong(explain(error))
      }
    }
    void read()
  }, [returns.value])
  return (
    <>
      <div class="head"><h1>{t('settings')}</h1></div>
      {settings && typed.value ? <Form settings={settings} now={typed.value} /> : <Wrong text={wrong} />}
    </>
  )
}

function Form({ settings, now }: { settings: Settings; now: Typed }) {
  const [wrong, setWrong] = useState('')
  const changes = changesOf(now, settings)
  const dirty = Object.keys(changes).length > 0
  useUnsaved(dirty)
  const set = (change: Partial<Typed>) => { typed.value = { ...now, ...change } }
  // Typing goes on while it is sent: `sent` is what the answer takes the place of.
  const send = async (what: unknown, sent: Partial<Typed> = {}) => {
    try {
      const answer = await api.changeSettings(what)
      changed++
      take(answer, { ...typedOf(settings), ...sent })
      setWrong('')
      tell(t('saved'))
    } catch (error) {
      setWrong(explain(error))
    }
  }
  const save = (event: Event) => {
    event.preventDefault()
    void send(changes, now)
  }
  const reset = () => send({ system_prompt: null }, { prompt: now.prompt })
  return (
    <form class="settings" onSubmit={save}>
      <fieldset>
        <legend>{t('provider')}</legend>
        {names.map((name) => (
          <label key={name} class="option">
            <input type="radio" name="provider" checked={now.active === name} onChange={() => set({ active: name })} />
            <span><strong>{t(`provider.${name}`)}</strong><small>{t(`says.${name}`)}</small></span>
          </label>
        ))}
      </fieldset>
      <Provider now={now} settings={settings} set={set} onRemoveKey={() => send({ providers: { [now.active]: { api_key: null } } })} />
      <label class="field">
        {t('prompt')}
        <textarea rows={6} maxLength={10_000} value={now.prompt} onInput={(event) => set({ prompt: event.currentTarget.value })} />
      </label>
      <p><button type="button" onClick={reset}>{t('promptReset')}</button></p>
      <Wrong text={wrong} />
      <footer>
        <button class="main" disabled={!dirty}>{t('save')}</button>
        {dirty && <span class="note" role="status">{t('unsaved')}</span>}
      </footer>
      <Check key={now.active} provider={now.active} />
    </form>
  )
}

interface ProviderProps {
  now: Typed
  settings: Settings
  set: (change: Partial<Typed>) => void
  onRemoveKey: () => void
}

// Provider has the fields of the one that is chosen.
function Provider({ now, settings, set, onRemoveKey }: ProviderProps) {
  const name = now.active
  if (name === 'builtin') return null
  const keySet = name !== 'lmstudio' && settings.providers[name].api_key_set
  return (
    <div class="provider">
      <label class="field">
        {t('model')}
        <input value={now.model[name] ?? ''} maxLength={200} placeholder={t('modelHint')} autocomplete="off" spellcheck={false}
          onInput={(event) => set({ model: { ...now.model, [name]: event.currentTarget.value } })} />
      </label>
      {name !== 'anthropic' && (
        <label class="field">
          {t('baseURL')}
          <input type="url" value={now.url[name] ?? ''} placeholder={t('modelHint')} autocomplete="off" spellcheck={false}
            onInput={(event) => set({ url: { ...now.url, [name]: event.currentTarget.value } })} />
        </label>
      )}
      {name !== 'lmstudio' && (
        <>
          <label class="field">
            {t('key')}
            <input type="password" value={now.key[name] ?? ''} maxLength={1000} autocomplete="new-password" spellcheck={false} aria-describedby="key-hint"
              onInput={(event) => set({ key: { ...now.key, [name]: event.currentTarget.value } })} />
          </label>
          <p class="note" id="key-hint">
            {t(keySet ? 'keySet' : 'keyNone')} {keySet && <button type="button" class="plain" onClick={onRemoveKey}>{t('keyRemove')}</button>}
          </p>
        </>
      )}
    </div>
  )
}

function Check({ provider }: { provider: ProviderName }) {
  const [result, setResult] = useState<ProviderCheck>()
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState(false)
  const check = async () => {
    setBusy(true)
    setWrong('')
    try {
      setResult(await api.check(provider))
    } catch (error) {
      setWrong(explain(error))
    }
    setBusy(false)
  }
  return (
    <div class="check-provider">
      <button type="button" onClick={check} disabled={busy}>{t('try')}</button> <span class="note">{t('trySays')}</span>
      <p role="status" class={result && !result.ok ? 'wrong' : ''}>
        {busy && t('loading')}
        {!busy && result && <><Icon name={result.ok ? 'done' : 'warning'} />{result.ok ? t('works', { ms: result.latency_ms }) : `${t('fails')} ${explainCheck(result.detail)}`}</>}
      </p>
      <Wrong text={wrong} />
    </div>
  )
}
