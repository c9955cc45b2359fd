// A Piece of a text is marked or not.
export interface Piece {
  text: string
  marked: boolean
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#34': '"', '#39': "'" }

// piecesOf takes apart what the API sends as a highlight: escaped text with <mark> and nothing else. It is never given to the browser as
// markup: whatever else stood in it would be shown as it is written.
export function piecesOf(highlight: string): Piece[] {
  const pieces: Piece[] = []
  let marked = false
  for (const part of highlight.split(/(<\/?mark>)/)) {
    if (part === '<mark>') marked = true
    else if (part === '</mark>') marked = false
    else if (part) pieces.push({ text: part.replace(/&(amp|lt|gt|quot|#34|#39);/g, (written, name: string) => entities[name] ?? written), marked })
  }
  return pieces
}

// plain is a text without accents and capitals, letter by letter, so that places in it are places in the text.
function plain(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()).replace(/[\u0080-\uffff]/g, plainLetter)
}

function plainLetter(letter: string): string {
  const base = letter.normalize('NFD').charAt(0).toLowerCase()
  return base.length === 1 ? base : letter
}

// wordsOf is what a query asks for: words and phrases, without what it excludes.
export function wordsOf(query: string): string[] {
  return Array.from(query.matchAll(/(^|\s)(?:"([^"]+)"?|([^\s"]+))/g), ([, , phrase, word]) => phrase ?? word ?? '')
    .filter((word) => word && !word.startsWith('-') && !/^or$/i.test(word))
    .map((word) => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ''))
    .filter(Boolean)
}

const mostHits = 2000

// mark finds the words in a text, each where a word begins.
export function mark(text: string, words: string[]): Piece[] {
  const wanted = words.map((word) => plain(word).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).sort((a, b) => b.length - a.length)
  if (wanted.length === 0) return [{ text, marked: false }]
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${wanted.join('|')})[\\p{L}\\p{N}]*`, 'gu')
  const pieces: Piece[] = []
  let end = 0
  for (const hit of plain(text).matchAll(pattern)) {
    if (hit.index > end) pieces.push({ text: text.slice(end, hit.index), marked: false })
    end = hit.index + hit[0].length
    pieces.push({ text: text.slice(hit.index, end), marked: true })
    if (pieces.length > 2 * mostHits) break
  }
  if (end < text.length) pieces.push({ text: text.slice(end), marked: false })
  return pieces
}
