package target

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
)

// Name is a name that no other run has used.
func Name() string { return "conformance-" + rand.Text() }

// Must ends the test if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Refused checks the code and a part of the message of an error.
func Refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

// Eventually asks until it is so: AWS shows some things a while after they were done.
func Eventually(t testing.TB, what string, ask func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !ask(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not there", what)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
