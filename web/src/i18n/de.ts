import type { Key, Message } from './en'

// What the page says, in German.
export const de: Record<Key, Message> = {
  skip: 'Zu den Dokumenten springen', menu: 'Menü', close: 'Schließen', cancel: 'Abbrechen', save: 'Speichern', retry: 'Noch einmal', undo: 'Rückgängig', remove: 'Entfernen',
  docs: 'API', loading: 'Wird geladen …', more: 'Mehr',

  documents: 'Dokumente', untagged: 'Ohne Thema', topics: 'Themen', trash: 'Papierkorb', settings: 'Einstellungen', status: 'Zustand',
  manage: 'Themen verwalten', navigation: 'Ablage', all: 'Alle Dokumente', back: 'Zurück', missing: 'Hier ist nichts',
  missingDo: 'Die Adresse führt nirgendwohin, oder was hier war, ist gelöscht.', toDocuments: 'Zu den Dokumenten',

  search: 'Suche', searchHint: 'Texte und Namen suchen', add: 'Dateien hinzufügen', drop: 'Dateien loslassen, um sie hinzuzufügen',
  filters: 'Filter', clear: 'Filter aufheben', from: 'Von', to: 'Bis', anyType: 'Alle Arten', anyStatus: 'Jeder Stand', type: 'Art', sort: 'Reihenfolge',
  topic: 'Thema', anyTopic: 'Alle Themen',
  'type.pdf': 'PDF', 'type.image': 'Bilder', 'type.text': 'Text', 'type.office': 'Office-Dateien', 'type.email': 'E-Mail',
  'sort.': 'Neueste zuerst', 'sort.created_at': 'Älteste zuerst', 'sort.name': 'Name, A bis Z', 'sort.-name': 'Name, Z bis A', 'sort.size': 'Kleinste zuerst',
  'sort.-size': 'Größte zuerst', 'sort.relevance': 'Beste Treffer', 'sort.-created_at': 'Neueste zuerst',
  count: { one: '{n} Dokument', other: '{n} Dokumente' }, countMore: 'mehr als {n} Dokumente',
  found: { one: '{n} Dokument gefunden', other: '{n} Dokumente gefunden' },

  'status.pending': 'Wartet', 'status.processing': 'Wird gelesen', 'status.ready': 'Fertig', 'status.failed': 'Nicht lesbar',
  filing: 'Wird abgelegt', filingFailed: 'Nicht abgelegt',

  empty: 'Hier kommen Ihre Papiere hinein', emptyDo: 'Ziehen Sie Dateien auf diese Seite, fügen Sie ein Bildschirmfoto ein oder wählen Sie Dateien aus. Sie werden gelesen, abgelegt und wiedergefunden.',
  emptyFound: 'Nichts gefunden', emptyFoundDo: 'Versuchen Sie weniger oder andere Wörter, oder heben Sie die Filter auf.', emptySearchDo: 'Versuchen Sie weniger oder andere Wörter, oder eine andere Schreibweise.', emptyFilteredDo: 'Kein Dokument ist so. Heben Sie die Filter auf, um alle zu sehen.', clearSearch: 'Suche aufheben',
  noTopicsYet: 'Es gibt noch keine Themen. Legen Sie welche an, dann legt die Ablage selbst ab, was dazukommt; was schon da ist, mit „Neu ablegen“.',
  emptyTrash: 'Der Papierkorb ist leer', emptyTrashDo: 'Was Sie löschen, bleibt eine Weile hier und kann zurückgeholt werden.',
  emptyTopics: 'Noch keine Themen', emptyTopicsDo: 'Unter Themen werden Dokumente abgelegt, zum Beispiel Rechnungen oder Verträge. Mit einer Beschreibung geschieht das von selbst.',
  listWrong: 'Die Dokumente konnten nicht gelesen werden',

  select: '{name} auswählen', selected: { one: '{n} ausgewählt', other: '{n} ausgewählt' }, selectAll: 'Alle auswählen', selectLoaded: 'Die ersten {n} auswählen', unselect: 'Auswahl aufheben',
  addTopics: 'Themen hinzufügen', removeTopics: 'Themen entfernen', fileAgain: 'Neu ablegen', readAgain: 'Neu lesen', fileAgainSays: 'Die Ablage wählt die Themen neu', readAgainSays: 'Die Ablage liest den Text neu', delete: 'Löschen', restore: 'Zurückholen',
  deleteForGood: 'Endgültig löschen', deletedForGood: '„{name}“ ist endgültig gelöscht', deletedManyForGood: { one: '{n} Dokument ist endgültig gelöscht', other: '{n} Dokumente sind endgültig gelöscht' },
  deleteManyForGoodAsk: { one: '{n} Dokument endgültig löschen? Das lässt sich nicht rückgängig machen.', other: '{n} Dokumente endgültig löschen? Das lässt sich nicht rückgängig machen.' }, deleteForGoodAsk: '„{name}“ endgültig löschen? Das lässt sich nicht rückgängig machen.',
  deletedMany: { one: '{n} Dokument ist im Papierkorb', other: '{n} Dokumente sind im Papierkorb' },
  restoredMany: { one: '{n} Dokument ist wieder da', other: '{n} Dokumente sind wieder da' },
  changedMany: { one: '{n} Dokument geändert', other: '{n} Dokumente geändert' },
  askedMany: { one: '{n} Dokument wird bearbeitet', other: '{n} Dokumente werden bearbeitet' },
  failedMany: { one: '{n} Dokument war nicht mehr da', other: '{n} Dokumente waren nicht mehr da' },
  deleted: '„{name}“ ist im Papierkorb', restored: '„{name}“ ist wieder da',

  uploads: 'Hinzugefügte Dateien', uploading: { one: '{n} Datei wird hinzugefügt', other: '{n} Dateien werden hinzugefügt' }, uploadsDone: 'Alle Dateien sind fertig', uploadsSome: 'Einige Dateien wurden nicht angenommen',
  'upload.waiting': 'Wartet', 'upload.sending': '{percent} gesendet', 'upload.stored': 'Hinzugefügt', 'upload.duplicate': 'Schon vorhanden: öffnen', 'upload.cancelled': 'Abgebrochen',
  'upload.broken': 'Nicht gesendet. Die Verbindung brach ab.', clearEnded: 'Liste leeren', retryAll: 'Alle noch einmal', cancelOf: '{name} abbrechen', retryOf: '{name} noch einmal versuchen', progressOf: 'Fortschritt von {name}', collapse: 'Verbergen', expand: 'Zeigen',

  pages: 'Seiten', text: 'Text', pageOf: 'Seite {n} von {name}', noPreview: 'Diese Seite lässt sich nicht als Bild zeigen.', drawing: 'Wird gezeichnet …', noText: 'In diesem Dokument wurde kein Text gefunden.',
  notYet: 'Das Dokument wurde noch nicht gelesen.', hits: { one: '{n} Treffer', other: '{n} Treffer' }, noHits: 'Keine Treffer in diesem Text', nextHit: 'Nächster Treffer', previousHit: 'Voriger Treffer',
  cut: 'Es gibt mehr Text, als hier gezeigt wird.', allText: 'Der ganze Text', facts: 'Einzelheiten', name: 'Name', size: 'Größe', added: 'Hinzugefügt', changed: 'Geändert', pageCount: 'Seiten', language: 'Sprache',
  fingerprint: 'SHA-256', 'filedBy.builtin': 'Abgelegt durch die Ablage selbst', 'filedBy.anthropic': 'Abgelegt durch Anthropic', 'filedBy.openai': 'Abgelegt durch OpenAI oder einen Server dieser Art', 'filedBy.lmstudio': 'Abgelegt durch LM Studio', model: 'Modell', certainty: 'zu {percent} sicher', byHand: 'von Hand', noTopics: 'Noch keine', changeTopics: 'Themen ändern', newTopic: 'Neues Thema',
  rename: 'Umbenennen', download: 'Herunterladen', open: 'Original öffnen', unreadable: 'Dieses Dokument konnte nicht gelesen werden', unfiled: 'Dieses Dokument konnte nicht abgelegt werden',
  skippedNoText: 'Nicht von selbst abgelegt: Es hat keinen Text. Wählen Sie die Themen selbst.', skippedNoTopics: 'Nicht von selbst abgelegt: Es gab noch keine Themen. „Neu ablegen“ versucht es noch einmal.', asked: 'Ist in Arbeit.', noneChosen: 'Kein Thema wurde gewählt. Gefragt: {by}', topicsOf: 'Themen von „{name}“', chooseTopics: 'Themen wählen',

  color: 'Farbe', description: 'Beschreibung', descriptionHint: 'Was hierher gehört. Die Ablage und ihre Modelle lesen es beim Ablegen.', merge: 'Zusammenlegen', mergeInto: 'Zusammenlegen mit', edit: 'Bearbeiten', create: 'Anlegen',
  editTopic: '„{name}“ bearbeiten', mergeTopic: '„{name}“ zusammenlegen', deleteTopic: '„{name}“ löschen', actionsOf: '{action}: {name}',
  mergeSays: { one: 'Das {n} Dokument darin wird unter dem anderen Thema abgelegt. „{name}“ verschwindet.', other: 'Die {n} Dokumente darin werden unter dem anderen Thema abgelegt. „{name}“ verschwindet.' },
  deleteSays: { one: '{n} Dokument ist hier abgelegt. Es bleibt erhalten, ohne dieses Thema.', other: '{n} Dokumente sind hier abgelegt. Sie bleiben erhalten, ohne dieses Thema.' },
  topicDeleted: 'Das Thema „{name}“ ist gelöscht, seine Dokumente bleiben', topicMerged: '„{name}“ gehört jetzt zu „{into}“',

  signIn: 'Anmelden', wrongToken: 'Das Token ist falsch.', signInSays: 'Diese Ablage ist durch ein Token geschützt. Wer sie eingerichtet hat, kennt es.', token: 'Token', signOut: 'Abmelden',

  provider: 'Wer ablegt', 'provider.builtin': 'Die Ablage selbst', 'provider.anthropic': 'Anthropic', 'provider.openai': 'OpenAI oder ein Server dieser Art', 'provider.lmstudio': 'LM Studio',
  'says.builtin': 'Lernt aus Namen und Beschreibungen der Themen und aus dem, was Sie von Hand ablegen. Nichts verlässt die Ablage.',
  'says.anthropic': 'Texte von Dokumenten werden an Anthropic gesendet.', 'says.openai': 'Texte von Dokumenten werden an den Server unten gesendet.', 'says.lmstudio': 'Texte von Dokumenten werden an den Server unten gesendet.',
  baseURL: 'Adresse des Servers', key: 'API-Schlüssel', keySet: 'Ein Schlüssel ist gespeichert. Ein neuer ersetzt ihn.', keyNone: 'Kein Schlüssel ist gespeichert.', keyRemove: 'Schlüssel entfernen', modelHint: 'Leer: das übliche',
  prompt: 'Was Modellen gesagt wird', promptReset: 'Zurück zum üblichen', saved: 'Die Einstellungen sind gespeichert', try: 'Ausprobieren', trySays: 'Probiert, was gespeichert ist.', works: 'Es geht ({ms} ms).', fails: 'Es geht nicht.', providerBusy: 'Der Anbieter kann gerade nicht. Versuchen Sie es später noch einmal.', providerAway: 'Der Anbieter ist nicht zu erreichen.',
  unsaved: 'Noch nicht gespeichert',

  health: 'Befinden', 'health.ok': 'Alles in Ordnung', 'health.degraded': 'Etwas antwortet nicht', ok: 'antwortet', noAnswer: 'antwortet nicht', numbers: 'Zahlen', queue: 'Warten auf Bearbeitung', active: 'In Arbeit', oldest: 'Längste Wartezeit', stored: 'Gespeichert',
  inTrash: 'Im Papierkorb', total: 'Dokumente', unknown: 'unbekannt', postgres: 'Datenbank', minio: 'Objektspeicher', redis: 'Warteschlange',

  away: 'Die Ablage antwortet nicht. Was Sie sehen, kann veraltet sein; es geht von selbst weiter, wenn sie wieder da ist.', backAgain: 'Die Ablage ist wieder da',

  adviceOldOffice: 'Das ist eine Datei aus Office 2003 oder älter. Speichern Sie sie als .docx, .xlsx oder .pptx.', adviceOutlook: 'Das ist eine Nachricht, wie Outlook sie aufhebt. Speichern Sie sie als .eml oder PDF.',
  adviceArchive: 'Das ist ein Archiv. Fügen Sie die Dateien darin einzeln hinzu.', adviceImage: 'Das ist ein Bild, das sich nicht lesen lässt. Speichern Sie es als JPEG, PNG oder PDF.', adviceForm: 'Das ist ein Formular, das nur Programme von Adobe zeigen. Fügen Sie einen Ausdruck als PDF hinzu.',
  adviceText: 'Die Kodierung dieses Textes lässt sich nicht erkennen. Speichern Sie ihn als UTF-8.', adviceWorkbook: 'Das ist eine binäre Arbeitsmappe von Excel. Speichern Sie sie als .xlsx.',

  'problem.password_required': 'Es lässt sich nur mit einem Passwort öffnen. Speichern Sie eine Kopie ohne Passwort und fügen Sie diese hinzu.', 'problem.malformed': 'Die Datei ist beschädigt. Wenn sie sich anderswo öffnen lässt, speichern Sie sie dort neu und fügen Sie diese hinzu.',
  'problem.too_large_to_read': 'Es ist größer, als diese Ablage liest: zu viele Seiten oder ausgepackt zu viel. Teilen Sie es auf.', 'problem.timed_out': 'Das Lesen dauerte zu lange. Versuchen Sie „Neu lesen“ oder teilen Sie es auf.', 'problem.unsupported': 'Dateien dieser Art lassen sich nicht lesen.',
  'problem.empty_file': 'Die Datei ist leer.', 'problem.unreadable_file': 'Die Datei lässt sich nicht mehr lesen. Wählen Sie sie noch einmal aus.', 'problem.cut_off': 'Die Datei kam nur zum Teil an. Versuchen Sie es noch einmal.', 'problem.too_large': 'Die Datei ist größer, als diese Ablage annimmt. Teilen oder verkleinern Sie sie.',
  'problem.unsupported_type': 'Dateien dieser Art werden nicht angenommen. Speichern Sie sie als PDF, Office-Datei, Bild, E-Mail oder Text.', 'problem.too_slow': 'Die Datei kam zu langsam an. Versuchen Sie es noch einmal.',
  'problem.unavailable': 'Ein Teil der Ablage antwortet gerade nicht. Versuchen Sie es gleich noch einmal.', 'problem.internal': 'In der Ablage ging etwas schief. Ihr Protokoll sagt, was.', 'problem.unauthorized': 'Das Token ist falsch, oder die Anmeldung ist abgelaufen.',
  'problem.too_many_attempts': 'Zu viele falsche Token. Versuchen Sie es gleich noch einmal.', 'problem.conflict': 'Ein Thema dieses Namens gibt es schon.', 'problem.not_found': 'Es ist nicht mehr da.',
  'problem.away': 'Die Ablage antwortet nicht. Versuchen Sie es noch einmal, wenn sie wieder da ist.', 'problem.busy': 'Es ist zu viel auf einmal zu tun. Versuchen Sie es gleich noch einmal.',
  'problem.invalid_value': 'Die Ablage nimmt das nicht an: {detail}', 'invalid.original_name': 'Ein Name braucht Buchstaben oder Ziffern nach dem letzten Schrägstrich.', 'invalid.name': 'Ein Name hat 1 bis 100 Zeichen, keine Steuerzeichen.',
  'problem.unknown_topic': 'Eines der Themen ist nicht mehr da. Wählen Sie noch einmal.', 'problem.too_many_streams': 'Zu viele Fenster folgen dieser Ablage gerade. Schließen Sie welche.',
  'problem.host_not_allowed': 'Unter diesem Namen ist die Ablage nicht zu erreichen. Nehmen Sie die Adresse, die man Ihnen gab.', 'problem.unknown': 'Die Ablage antwortete: {detail}', 'problem.other': 'Das ging nicht. Die Ablage sagt: {detail}',
  'problem.provider_unauthorized': 'Der Anbieter nimmt den API-Schlüssel nicht an. Siehe Einstellungen.', 'problem.model_not_found': 'Der Anbieter kennt das Modell nicht. Siehe Einstellungen.',
  'problem.provider_rejected': 'Der Anbieter wies die Anfrage ab.', 'problem.provider_refused': 'Das Modell weigerte sich zu antworten.', 'problem.invalid_answer': 'Die Antwort des Modells ergab keinen Sinn.',
  'problem.prompt_too_large': 'Dokument und Themen sind zu viel für das Modell.', 'problem.provider_unavailable': 'Der Anbieter antwortete einen Tag lang nicht.', 'problem.provider_failed': 'Beim Anbieter ging etwas schief.',
}
