package control

import (
	"encoding/json"
	"net/http"
	"sync"
)

// lines writes a stream of JSON objects, one a line. Events of a deployment
// come from several goroutines.
type lines struct {
	mu    sync.Mutex
	enc   *json.Encoder
	ctl   *http.ResponseController
	fails bool // the client went away: nothing is written any more
}

func newLines(w http.ResponseWriter) *lines {
	return &lines{enc: json.NewEncoder(w), ctl: http.NewResponseController(w)}
}

func (l *lines) write(v any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails {
		return
	}
	if err := l.enc.Encode(v); err != nil {
		l.fails = true
	}
	if _, ok := v.(LogLine); !ok {
		l.ctl.Flush()
	}
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ctl.Flush()
}
