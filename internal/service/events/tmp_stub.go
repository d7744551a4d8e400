package events

const archiveScheme = "events-archive"
const httpScheme = "events-http"

type callHead struct{ Parameters *httpParameters }
