package nubetest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/cloud"
)

// Where the clock is, and whether it stands still, survives the cloud.
func TestClockIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stood, ran time.Time
	t.Run("stops", func(t *testing.T) {
		c := Start(t, keptIn(dir))
		c.Clock().Stop(t)
		c.Clock().Advance(t, 48*time.Hour)
		stood = c.Clock().Now()
	})
	t.Run("stood, and runs", func(t *testing.T) {
		c := Start(t, keptIn(dir), At(begun())) // which is for new clouds only
		if got := c.Clock().Now(); !got.Equal(stood) {
			t.Errorf("it shows %v, and stood at %v", got, stood)
		}
		c.Clock().Run(t)
		c.Clock().Set(t, stood.Add(time.Hour))
		ran = c.Clock().Now()
	})
	t.Run("ran", func(t *testing.T) {
		c := Start(t, keptIn(dir))
		if got := c.Clock().Now(); got.Before(ran) || got.After(ran.Add(time.Hour)) {
			t.Errorf("it shows %v, and ran from %v", got, ran)
		}
	})
}

// A disk that is full stops the cloud. What was acknowledged is there at the next
// start, and what was not acknowledged was not.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	t.Run("full", func(t *testing.T) {
		c := Start(t, application(), keptIn(dir))
		get(t, "PUT", c.Gateway()+"/things/one", "", 200)
		c.Settle(t)
		c.Fault(t, Fault{Kind: "disk-full"})
		req, err := http.NewRequestWithContext(t.Context(), "PUT", c.Gateway()+"/things/two", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode < 500 {
				t.Errorf("it was acknowledged: %s %s", resp.Status, text)
			}
		}
		if err := c.cloud.Run(t.Context()); !errors.Is(err, cloud.ErrBroken) {
			t.Errorf("the cloud goes on: %v", err)
		}
		c.broken = true
	})
	t.Run("with room again", func(t *testing.T) {
		// A broken store stays locked until its process ends; another one would
		// find the same files.
		again := t.TempDir()
		if err := os.CopyFS(again, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		c := Start(t, keptIn(again))
		if got := get(t, "GET", c.Gateway()+"/things", "", 200); strings.TrimSpace(got) != "one" {
			t.Errorf("the table has %q", got)
		}
		get(t, "PUT", c.Gateway()+"/things/three", "", 200)
	})
}
