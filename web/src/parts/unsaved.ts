import { useEffect } from 'preact/hooks'

// useUnsaved has the browser ask before it leaves the page with what was typed.
export function useUnsaved(typed: boolean) {
  useEffect(() => {
    if (!typed) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [typed])
}
