// What the page says, in English. `{name}` is filled in; of a pair, `one` is said of 1.
export const en = {
  skip: 'Skip to the documents', menu: 'Menu', close: 'Close', cancel: 'Cancel', save: 'Save', retry: 'Try again', undo: 'Undo', remove: 'Remove',
  docs: 'API', loading: 'Loading…', more: 'More',

  documents: 'Documents', untagged: 'Without a topic', topics: 'Topics', trash: 'Trash', settings: 'Settings', status: 'Status',
  manage: 'Manage topics', navigation: 'Vault', all: 'All documents', back: 'Back', missing: 'There is nothing here',
  missingDo: 'The address leads nowhere, or what was here has been deleted.', toDocuments: 'To the documents',

  search: 'Search', searchHint: 'Search in texts and names', add: 'Add files', drop: 'Drop files to add them',
  filters: 'Filters', clear: 'Clear filters', from: 'From', to: 'Until', anyType: 'Any type', anyStatus: 'Any status', type: 'Type', sort: 'Order',
  topic: 'Topic', anyTopic: 'Any topic',
  'type.pdf': 'PDF', 'type.image': 'Pictures', 'type.text': 'Text', 'type.office': 'Office files', 'type.email': 'E-mail',
  'sort.': 'Newest first', 'sort.created_at': 'Oldest first', 'sort.name': 'Name, A to Z', 'sort.-name': 'Name, Z to A', 'sort.size': 'Smallest first',
  'sort.-size': 'Largest first', 'sort.relevance': 'Best match', 'sort.-created_at': 'Newest first',
  count: { one: '{n} document', other: '{n} documents' }, countMore: 'more than {n} documents',
  found: { one: '{n} document found', other: '{n} documents found' },

  'status.pending': 'Waiting', 'status.processing': 'Being read', 'status.ready': 'Ready', 'status.failed': 'Not readable',
  filing: 'Being filed', filingFailed: 'Filing failed',

  empty: 'Put your papers in', emptyDo: 'Drop files anywhere on this page, paste a screenshot, or choose files. The vault reads them, files them and finds them again.',
  emptyFound: 'Nothing was found', emptyFoundDo: 'Try fewer or other words, or clear the filters.', emptySearchDo: 'Try fewer or other words, or another spelling.', emptyFilteredDo: 'No document is like this. Clear the filters to see all.', clearSearch: 'Clear the search',
  noTopicsYet: 'There are no topics yet. Make some, and the vault files by itself what comes in; what is here, with “File again”.',
  emptyTrash: 'The trash is empty', emptyTrashDo: 'What you delete stays here for a while, and can be restored.',
  emptyTopics: 'No topics yet', emptyTopicsDo: 'Topics are what documents are filed under, such as invoices or contracts. With a description the vault files by itself.',
  listWrong: 'The documents could not be read',

  select: 'Select {name}', selected: { one: '{n} selected', other: '{n} selected' }, selectAll: 'Select all', selectLoaded: 'Select the first {n}', unselect: 'Clear selection',
  addTopics: 'Add topics', removeTopics: 'Remove topics', fileAgain: 'File again', readAgain: 'Read again', fileAgainSays: 'Have the vault choose its topics anew', readAgainSays: 'Have the vault read its text anew', delete: 'Delete', restore: 'Restore',
  deleteForGood: 'Delete for good', deletedForGood: '“{name}” is gone', deletedManyForGood: { one: '{n} document is gone', other: '{n} documents are gone' },
  deleteManyForGoodAsk: { one: 'Delete {n} document for good? This cannot be undone.', other: 'Delete {n} documents for good? This cannot be undone.' }, deleteForGoodAsk: 'Delete “{name}” for good? This cannot be undone.',
  deletedMany: { one: '{n} document is in the trash', other: '{n} documents are in the trash' },
  restoredMany: { one: '{n} document is back', other: '{n} documents are back' },
  changedMany: { one: '{n} document changed', other: '{n} documents changed' },
  askedMany: { one: '{n} document is being done', other: '{n} documents are being done' },
  failedMany: { one: '{n} document was not there any more', other: '{n} documents were not there any more' },
  deleted: '“{name}” is in the trash', restored: '“{name}” is back',

  uploads: 'Added files', uploading: { one: 'Adding {n} file', other: 'Adding {n} files' }, uploadsDone: 'All files are done', uploadsSome: 'Some files were not taken',
  'upload.waiting': 'Waiting', 'upload.sending': '{percent} sent', 'upload.stored': 'Added', 'upload.duplicate': 'Already there: open it', 'upload.cancelled': 'Cancelled',
  'upload.broken': 'Not sent. The connection was lost.', clearEnded: 'Clear list', retryAll: 'Try all again', cancelOf: 'Cancel {name}', retryOf: 'Try {name} again', progressOf: 'Progress of {name}', collapse: 'Hide', expand: 'Show',

  pages: 'Pages', text: 'Text', pageOf: 'Page {n} of {name}', noPreview: 'This page cannot be shown as a picture.', drawing: 'Being drawn…', noText: 'No text was found in this document.',
  notYet: 'The document has not been read yet.', hits: { one: '{n} hit', other: '{n} hits' }, noHits: 'No hits in this text', nextHit: 'Next hit', previousHit: 'Previous hit',
  cut: 'There is more text than is shown here.', allText: 'All the text', facts: 'Details', name: 'Name', size: 'Size', added: 'Added', changed: 'Changed', pageCount: 'Pages', language: 'Language',
  fingerprint: 'SHA-256', 'filedBy.builtin': 'Filed by the vault itself', 'filedBy.anthropic': 'Filed by Anthropic', 'filedBy.openai': 'Filed by OpenAI or a server like it', 'filedBy.lmstudio': 'Filed by LM Studio', model: 'Model', certainty: '{percent} certain', byHand: 'by hand', noTopics: 'None yet', changeTopics: 'Change topics', newTopic: 'New topic',
  rename: 'Rename', download: 'Download', open: 'Open original', unreadable: 'This document could not be read', unfiled: 'This document could not be filed',
  skippedNoText: 'Not filed by itself: it has no text. Choose its topics yourself.', skippedNoTopics: 'Not filed by itself: there were no topics yet. “File again” tries anew.', asked: 'The vault is at it.', noneChosen: 'No topic was chosen. Asked: {by}', topicsOf: 'Topics of “{name}”', chooseTopics: 'Choose topics',

  color: 'Colour', description: 'Description', descriptionHint: 'What belongs here. The vault and its models read it when they file.', merge: 'Merge', mergeInto: 'Merge into', edit: 'Edit', create: 'Create',
  editTopic: 'Edit “{name}”', mergeTopic: 'Merge “{name}”', deleteTopic: 'Delete “{name}”', actionsOf: '{action}: {name}',
  mergeSays: { one: 'Its {n} document will be filed under the other topic. “{name}” will be gone.', other: 'Its {n} documents will be filed under the other topic. “{name}” will be gone.' },
  deleteSays: { one: '{n} document is filed here. It stays in the vault, without this topic.', other: '{n} documents are filed here. They stay in the vault, without this topic.' },
  topicDeleted: 'The topic “{name}” is gone, its documents stay', topicMerged: '“{name}” is part of “{into}” now',

  signIn: 'Sign in', wrongToken: 'The token is wrong.', signInSays: 'This vault is kept by a token. Whoever set the vault up has it.', token: 'Token', signOut: 'Sign out',

  provider: 'Who files', 'provider.builtin': 'The vault itself', 'provider.anthropic': 'Anthropic', 'provider.openai': 'OpenAI, or a server like it', 'provider.lmstudio': 'LM Studio',
  'says.builtin': 'Learns from the names and descriptions of topics and from what you file by hand. Nothing leaves the vault.',
  'says.anthropic': 'Texts of documents are sent to Anthropic.', 'says.openai': 'Texts of documents are sent to the server below.', 'says.lmstudio': 'Texts of documents are sent to the server below.',
  baseURL: 'Server’s address', key: 'API key', keySet: 'A key is stored. Type another to replace it.', keyNone: 'No key is stored.', keyRemove: 'Remove the key', modelHint: 'Empty: the default',
  prompt: 'What models are told', promptReset: 'Back to the default', saved: 'The settings are saved', try: 'Try it', trySays: 'Tries what is saved.', works: 'It works ({ms} ms).', fails: 'It does not work.', providerBusy: 'The provider cannot serve now. Try again later.', providerAway: 'The provider cannot be reached.',
  unsaved: 'Not saved yet',

  health: 'Health', 'health.ok': 'All is well', 'health.degraded': 'Something does not answer', ok: 'answers', noAnswer: 'does not answer', numbers: 'Numbers', queue: 'Waiting for a worker', active: 'At work', oldest: 'Longest wait', stored: 'Stored',
  inTrash: 'In the trash', total: 'Documents', unknown: 'unknown', postgres: 'Database', minio: 'Object store', redis: 'Queue',

  away: 'The vault does not answer. What you see may be old; it goes on by itself when the vault is back.', backAgain: 'The vault is back',

  adviceOldOffice: 'It is a file of Office 2003 or older. Save it as .docx, .xlsx or .pptx.', adviceOutlook: 'It is a message as Outlook keeps it. Save it as .eml or PDF.',
  adviceArchive: 'It is an archive. Add the files in it one by one.', adviceImage: 'It is a picture that cannot be read. Save it as JPEG, PNG or PDF.', adviceForm: 'It is a form that only Adobe’s programs show. Add a print of it.',
  adviceText: 'It is a text in an encoding that cannot be told. Save it as UTF-8.', adviceWorkbook: 'It is a binary workbook of Excel. Save it as .xlsx.',

  'problem.password_required': 'It opens with a password only. Save a copy without one, and add that.', 'problem.malformed': 'The file is damaged. If it opens elsewhere, save it there anew, and add that.',
  'problem.too_large_to_read': 'It is larger than what this vault reads: too many pages, or too much when unpacked. Split it.', 'problem.timed_out': 'Reading it took too long. Try “Read again”, or split it.', 'problem.unsupported': 'Files of this kind cannot be read.',
  'problem.empty_file': 'The file is empty.', 'problem.unreadable_file': 'The file cannot be read any more. Choose it again.', 'problem.cut_off': 'The file arrived only in part. Try again.', 'problem.too_large': 'The file is larger than this vault takes. Split it, or make it smaller.',
  'problem.unsupported_type': 'Files of this type are not taken. Save it as PDF, Office file, picture, e-mail or text.', 'problem.too_slow': 'The file arrived too slowly. Try again.',
  'problem.unavailable': 'A part of the vault does not answer now. Try again shortly.', 'problem.internal': 'Something went wrong in the vault. Its log says what.', 'problem.unauthorized': 'The token is wrong, or the session has ended.',
  'problem.too_many_attempts': 'Too many wrong tokens. Try again shortly.', 'problem.conflict': 'There is a topic of this name already.', 'problem.not_found': 'It is not there any more.',
  'problem.away': 'The vault does not answer. Try again when it is back.', 'problem.busy': 'There is too much to do at once. Try again shortly.',
  'problem.invalid_value': '{detail}', 'invalid.original_name': 'A name needs letters or digits after its last slash.', 'invalid.name': 'A name has 1 to 100 characters, none of them control characters.',
  'problem.unknown_topic': 'One of the topics is not there any more. Choose again.', 'problem.too_many_streams': 'Too many windows follow this vault now. Close some.',
  'problem.host_not_allowed': 'The vault is not served under this name. Use the address that you were given.', 'problem.unknown': 'The vault answered: {detail}', 'problem.other': '{detail}',
  'problem.provider_unauthorized': 'The provider does not take the API key. See the settings.', 'problem.model_not_found': 'The provider does not know the model. See the settings.',
  'problem.provider_rejected': 'The provider refused the request.', 'problem.provider_refused': 'The model refused to answer.', 'problem.invalid_answer': 'The model’s answer made no sense.',
  'problem.prompt_too_large': 'The document and the topics are too much for the model.', 'problem.provider_unavailable': 'The provider did not answer for a day.', 'problem.provider_failed': 'The provider failed.',
} satisfies Record<string, Message>

export type Message = string | { one: string; other: string }
export type Key = keyof typeof en
