// oneAtATime coalesces readings: what is asked for while one is under way is one more, after it. Who asks waits for one that began later.
export function oneAtATime(read: () => Promise<void>): () => Promise<void> {
  let reading: Promise<void> | undefined
  let next: Promise<void> | undefined
  const begin = () => {
    next = undefined
    return (reading = read().finally(() => { reading = undefined }))
  }
  return () => next ?? (reading ? (next = reading.then(begin, begin)) : begin())
}
