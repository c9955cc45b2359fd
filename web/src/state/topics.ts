import { computed, signal } from '@preact/signals'
import { api, type Topic } from '../api/api'
import { Away, Problem } from '../api/problem'
import { oneAtATime } from './turns'

// topics are all that there are, null until they are known.
export const topics = signal<Topic[] | null>(null)

export const topicsByName = computed(() => new Map((topics.value ?? []).map((topic) => [topic.name, topic])))

// readTopics reads them anew. Events come in bursts: while one reading is under way, one more is enough.
export const readTopics = oneAtATime(async () => {
  try {
    const answer = await api.topics()
    topics.value = answer.topics.sort((a, b) => a.name.localeCompare(b.name))
  } catch (error) {
    // The page says both elsewhere: what is known of topics stays.
    if (!(error instanceof Problem || error instanceof Away)) throw error
  }
})
