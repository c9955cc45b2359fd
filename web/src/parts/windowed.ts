import { useLayoutEffect, useRef, useState } from 'preact/hooks'

// useWindowed is useWindow for a list with a scroll bar of its own.
export function useWindowed<E extends HTMLElement>(count: number, rem: number) {
  const ref = useRef<E>(null)
  const [top, setTop] = useState(0)
  const [shown, setShown] = useState(10)
  const row = rem * parseFloat(getComputedStyle(document.documentElement).fontSize)
  useLayoutEffect(() => {
    const element = ref.current
    if (!element) return
    const look = () => {
      setTop(Math.floor(element.scrollTop / row))
      setShown(Math.ceil(element.clientHeight / row))
    }
    look()
    element.addEventListener('scroll', look, { passive: true })
    return () => element.removeEventListener('scroll', look)
  }, [count > 0, row])
  const first = Math.max(0, top - 3)
  return { ref, row, height: count * row, first, last: Math.min(count, top + shown + 4) }
}
