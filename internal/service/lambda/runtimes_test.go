package lambda

import (
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/fault"
)

func TestKnownRuntime(t *testing.T) {
	for _, name := range runtimes() {
		if err := knownRuntime(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"nodejs99.x", "nodejs21.x", "python3.99", "provided.al3", ""} {
		if err := knownRuntime(name); !fault.Is(err, "InvalidParameterValueException") || !strings.Contains(err.Error(), "at 'runtime'") {
			t.Errorf("%s is accepted or refused with %v", name, err)
		}
	}
}
