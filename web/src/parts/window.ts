import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import type { RefObject } from 'preact'

export interface Window {
  first: number
  last: number
  row: number // its height in px
}

// Rows beyond the edge of the screen that are there already when they come into sight.
const beyond = 8

// useWindow tells which of `count` rows are in sight, all being `rem` high. What is not in sight has no elements, so that a list of a
// hundred thousand scrolls like one of twenty.
export function useWindow(list: RefObject<HTMLElement | null>, count: number, rem: number): Window {
  const [row, setRow] = useState(() => rem * rootSize())
  const [range, setRange] = useState({ first: 0, last: 30 })

  const look = () => {
    const element = list.current
    if (!element) return
    const size = rem * rootSize()
    const above = -element.getBoundingClientRect().top
    const first = Math.max(0, Math.floor(above / size) - beyond)
    const last = Math.max(first, Math.ceil((above + innerHeight) / size) + beyond)
    setRow(size)
    setRange((was) => (was.first === first && was.last === last ? was : { first, last }))
  }
  useLayoutEffect(look, [count, rem])
  useEffect(() => {
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [rem])
  return { first: range.first, last: Math.min(range.last, count), row }
}

// Users choose how large letters are; rows grow with them. To ask at each step of scrolling would make the browser lay out the page.
let rootSizeKnown: number | undefined
const rootSize = () => (rootSizeKnown ??= parseFloat(getComputedStyle(document.documentElement).fontSize))
addEventListener('resize', () => { rootSizeKnown = undefined })
