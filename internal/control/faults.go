package control

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/nube-run/nube/internal/inject"
)

// Faults are what goes wrong on purpose. An *[inject.Set] is such.
type Faults interface {
	Add(r inject.Rule) (inject.Rule, error)
	Remove(id string) error
	Clear()
	Rules() []inject.Rule
}

// faults answers GET, POST and DELETE faults; DELETE takes one, named by id, or
// all.
func (s *Server) faults(w http.ResponseWriter, r *http.Request, body []byte) {
	switch r.Method {
	case http.MethodGet:
		answer(w, s.Faults.Rules())
	case http.MethodDelete:
		id := r.URL.Query().Get("id")
		if id == "" {
			s.Faults.Clear()
		} else if err := s.Faults.Remove(id); err != nil {
			status := http.StatusInternalServerError
			if errors.Is(err, inject.ErrNone) {
				status = http.StatusNotFound
			}
			refuse(w, status, text(err))
			return
		}
		answer(w, struct{}{})
	default:
		var rule inject.Rule
		err := json.Unmarshal(body, &rule)
		if err == nil {
			rule, err = s.Faults.Add(rule)
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, text(err))
			return
		}
		answer(w, rule)
	}
}
