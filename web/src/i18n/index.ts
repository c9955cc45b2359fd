import { Away, Problem } from '../api/problem'
import { de } from './de'
import { en, type Key, type Message } from './en'

export type { Key } from './en'

const spoken: Record<string, Record<Key, Message>> = { en, de }
// The first of the browser's languages that the page speaks, with its region, which says how dates are written.
const locale = navigator.languages.find((tag) => tag.slice(0, 2) in spoken) ?? 'en'
const language = locale.slice(0, 2)
const messages = spoken[language] ?? en
document.documentElement.lang = language

const plurals = new Intl.PluralRules(locale)

// What is written from right to left, and the marks that change the direction.
const turns = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

// isolate keeps the direction of a name to itself, where there can be no bdi: in a sentence, an attribute, the title. The name's own isolates
// go, for one that it does not open would end ours.
export const isolate = (text: string) => (turns.test(text) ? `\u2068${text.replace(/[\u2066-\u2069]/g, '')}\u2069` : text)

// t says something. `n` chooses between one and many, and is written as the language writes numbers.
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const message = messages[key]
  const text = typeof message === 'string' ? message : message[plurals.select(Number(values.n)) === 'one' ? 'one' : 'other']
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? ''
    return typeof value === 'number' ? numbers.format(value) : isolate(value)
  })
}

const isKey = (key: string): key is Key => key in en

// explain says why something did not work: in the user's language where the reason is known, else in the API's words.
export function explain(error: unknown): string {
  if (error instanceof Away) return t('problem.away')
  if (!(error instanceof Problem)) throw error
  const field = `invalid.${error.field ?? ''}`
  return error.code === 'invalid_value' && isKey(field) ? t(field) : explainCode(error.code, error.message)
}

// What to do with a type of file has no code.
const advice: [RegExp, Key][] = [
  [/Office 2003/, 'adviceOldOffice'], [/Outlook/, 'adviceOutlook'], [/archive/, 'adviceArchive'], [/binary workbook/, 'adviceWorkbook'],
  [/an encoding/, 'adviceText'], [/XFA/, 'adviceForm'], [/HEIC|TIFF|image is packed/, 'adviceImage'],
]

export function explainCode(code: string, detail: string): string {
  const key = `problem.${code}`
  const known = code.startsWith('unsupported') && advice.find(([pattern]) => pattern.test(detail))
  if (known) return t(known[1])
  return t(isKey(key) ? key : 'problem.other', { detail })
}

// What the check of a provider says has no code.
const checks: [RegExp, Key][] = [
  [/No API key/, 'keyNone'], [/\((401|403)\)/, 'problem.provider_unauthorized'], [/\(404\)|the model/, 'problem.model_not_found'],
  [/\((408|429|5\d\d)\)/, 'providerBusy'], [/reached|in time/, 'providerAway'],
]

export function explainCheck(detail: string): string {
  if (language === 'en') return detail
  return t(checks.find(([pattern]) => pattern.test(detail))?.[1] ?? 'problem.other', { detail })
}

const numbers = new Intl.NumberFormat(locale)
const percents = new Intl.NumberFormat(locale, { style: 'percent' })
const times = new Intl.DateTimeFormat(locale, { timeStyle: 'short' })
const days = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' })
const moments = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' })
const languages = new Intl.DisplayNames(locale, { type: 'language' })

export const number = (n: number) => numbers.format(n)
export const percent = (part: number) => percents.format(part)
export const moment = (time: string) => moments.format(new Date(time))
export const languageName = (tag: string) => languages.of(tag) ?? tag

// day is the time of what happened today, the date of what was earlier.
export function day(time: string): string {
  const date = new Date(time)
  return date.toDateString() === new Date().toDateString() ? times.format(date) : days.format(date)
}

// Formats are kept: to make one takes longer than to draw a row.
const formats = new Map<string, Intl.NumberFormat>()

function inUnit(unit: string, unitDisplay: 'short' | 'long', digits: number): Intl.NumberFormat {
  const key = `${unit} ${unitDisplay} ${digits}`
  const format = formats.get(key) ?? new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay, maximumFractionDigits: digits })
  formats.set(key, format)
  return format
}

export function bytes(n: number): string {
  if (n < 1000) return inUnit('byte', 'long', 0).format(n)
  let unit = 'kilobyte'
  n /= 1000
  for (const larger of ['megabyte', 'gigabyte', 'terabyte']) {
    if (n < 1000) break
    unit = larger
    n /= 1000
  }
  return inUnit(unit, 'short', n < 10 ? 1 : 0).format(n)
}

export function seconds(n: number): string {
  const [value, unit] = n < 120 ? [n, 'second'] as const : n < 7200 ? [n / 60, 'minute'] as const : [n / 3600, 'hour'] as const
  return inUnit(unit, 'long', 0).format(value)
}

const kinds: [RegExp, string][] = [
  [/pdf/, 'PDF'], [/opendocument\.text/, 'ODT'], [/opendocument\.spreadsheet/, 'ODS'], [/opendocument\.presentation/, 'ODP'],
  [/wordprocessing/, 'Word'], [/spreadsheet/, 'Excel'], [/presentation/, 'PPT'],
  [/html/, 'HTML'], [/rtf/, 'RTF'], [/rfc822/, 'E-Mail'], [/csv/, 'CSV'], [/svg/, 'SVG'],
]

// kind is what people call a type of file.
export function kind(mime: string): string {
  const known = kinds.find(([pattern]) => pattern.test(mime))
  if (known) return known[1]
  if (mime.startsWith('image/')) return mime.slice(6).toUpperCase()
  return mime.startsWith('text/') ? t('type.text') : mime
}
