package nubetest

import (
	"encoding/json"
	"os"
	"testing"
)

// Fixture is an event as a function had it, and what it answered, as
// "nube replay ID --save FILE" writes it.
type Fixture struct {
	Function string          // its full name, with its qualifier if it had one
	Event    json.RawMessage // to be given to [Cloud.Invoke]
	Answer   json.RawMessage // nil when the event was edited
	Failed   bool            // the answer is the function's error
}

// ReadFixture reads a fixture.
func ReadFixture(t testing.TB, file string) Fixture {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("nubetest: %v", err)
	}
	var doc struct {
		Function string          `json:"function"`
		Event    json.RawMessage `json:"event"`
		Answer   struct {
			Payload json.RawMessage `json:"payload"`
			Error   string          `json:"error"`
		} `json:"answer"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatalf("nubetest: %s: %v", file, err)
	}
	if doc.Function == "" || doc.Event == nil {
		t.Fatalf("nubetest: %s has no function and event, as `nube replay ID --save FILE` writes them", file)
	}
	return Fixture{Function: doc.Function, Event: doc.Event, Answer: doc.Answer.Payload, Failed: doc.Answer.Error != ""}
}
