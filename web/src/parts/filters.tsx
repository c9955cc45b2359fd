import { useRef, useState } from 'preact/hooks'
import { t, type Key } from '../i18n'
import { sortsOf, statuses, types, type Filter } from '../state/list'
import { go, here, withParameters } from '../state/router'
import { topics } from '../state/topics'
import { Icon } from './icon'

// Filters are kept in the address bar alone: a link or the back button brings them back.
export function Filters({ filter }: { filter: Filter }) {
  const [open, setOpen] = useState(false)
  const set = (changes: Record<string, string>, how?: 'replace') => go(withParameters(changes), how)
  const many = [filter.type, filter.status, filter.from, filter.to, filter.topic, filter.untagged].filter(Boolean).length
  return (
    <>
      <button type="button" class="narrow filter-button" aria-expanded={open} aria-controls="filters" onClick={() => setOpen(!open)}>
        <Icon name="filter" />{t('filters')}{many > 0 && <b>{many}</b>}
      </button>
      <div id="filters" class={open ? 'filters open' : 'filters'} role="group" aria-label={t('filters')}>
        <Select label="topic" value={filter.topic} onChange={(topic) => set({ topic, untagged: '' })}
          options={[['', t('anyTopic')], ...(topics.value ?? []).map((topic): [string, string] => [topic.name, topic.name])]} />
        <Select label="type" value={filter.type} onChange={(type) => set({ type })}
          options={[['', t('anyType')], ...types.map((type): [string, string] => [type, t(`type.${type}` as Key)])]} />
        <Select label="status" value={filter.status} onChange={(status) => set({ status })}
          options={[['', t('anyStatus')], ...statuses.map((status): [string, string] => [status, t(`status.${status}` as Key)])]} />
        <Day label="from" value={filter.from} onChange={(from, how) => set({ from }, how)} />
        <Day label="to" value={filter.to} onChange={(to, how) => set({ to }, how)} />
        <Select label="sort" value={filter.sort} onChange={(sort) => set({ sort })}
          options={['', ...sortsOf(filter.q)].map((sort): [string, string] => [sort, filter.q && !sort ? t('sort.relevance') : t(`sort.${sort}` as Key)])} />
        {many > 0 && <a class="button plain" href={clear(filter)}>{t('clear')}</a>}
      </div>
    </>
  )
}

// What is searched for, and the order, are no filters.
function clear({ q, sort }: Filter): string {
  const parameters = new URLSearchParams()
  if (q) parameters.set('q', q)
  if (sort) parameters.set('sort', sort)
  return `${here.value.pathname}?${parameters}`
}

interface SelectProps {
  label: Key
  value: string
  options: [string, string][]
  onChange: (value: string) => void
}

function Select({ label, value, options, onChange }: SelectProps) {
  return (
    <label class={value ? 'select set' : 'select'}>
      <span>{t(label)}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([key, text]) => <option key={key} value={key} selected={key === value}>{text}</option>)}
      </select>
    </label>
  )
}

// Day tells of each digit of a year: that is one step back, not one for each.
function Day({ label, value, onChange }: { label: Key; value: string; onChange: (value: string, how?: 'replace') => void }) {
  const began = useRef(false)
  return (
    <label class={value ? 'select set' : 'select'}>
      <span>{t(label)}</span>
      <input
        type="date" value={value} max="9999-12-31"
        onFocus={() => { began.current = false }}
        onChange={(event) => {
          onChange(event.currentTarget.value, began.current ? 'replace' : undefined)
          began.current = true
        }}
      />
    </label>
  )
}
