import { render } from 'preact'
import './styles/base.css'
import './styles/controls.css'
import './styles/frame.css'
import './styles/documents.css'
import './styles/views.css'
import { App } from './app'
import { followEvents, watch } from './state/events'
import { readTopics } from './state/topics'

void readTopics()
watch({ topics: () => void readTopics(), reset: () => void readTopics() })
const page = document.getElementById('page')
if (page) render(<App />, page)
followEvents()
