import { signal } from '@preact/signals'

// away says that the API does not answer.
export const away = signal(false)
// returns counts how often it came back, or somebody signed in: what is shown is read anew then.
export const returns = signal(0)

const askEvery = 2000
let timer: ReturnType<typeof setTimeout> | undefined

export function lost() {
  away.value = true
  timer ??= setTimeout(() => void ask(), askEvery)
}

export function found() {
  clearTimeout(timer)
  timer = undefined
  if (!away.value) return
  away.value = false
  returns.value++
}

// ask looks whether the API is back. The answer of a proxy that has lost it is none.
async function ask() {
  timer = undefined
  try {
    const response = await fetch('/livez', { cache: 'no-store' })
    if (response.ok) {
      found()
      return
    }
  } catch {
    // still away
  }
  timer = setTimeout(() => void ask(), askEvery)
}

addEventListener('online', () => void ask())
