package nubetest

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/cloud"
)

// keptIn has a cloud keep its data in a directory.
func keptIn(dir string) Option { return func(o *options) { o.cloud.Data = dir } }

// begun is when the clocks of these tests stand still.
func begun() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }

// history does something, takes a snapshot, does more, and goes back.
func history(t *testing.T, c *Cloud) {
	t.Helper()
	get(t, "PUT", c.Gateway()+"/things/one", "", 200)
	get(t, "POST", c.Gateway()+"/things/fail", "", 202)
	c.Settle(t) // one attempt of three
	c.Snapshot(t, "one")
	get(t, "PUT", c.Gateway()+"/things/two", "", 200)
	c.Clock().Advance(t, 24*time.Hour)
	if n := attempts(t, c); n != 3 {
		t.Fatalf("%d attempts before going back, want 3", n)
	}
	c.Restore(t, "one")
}

func attempts(t *testing.T, c *Cloud) int {
	t.Helper()
	return strings.Count(strings.Join(c.Logs(t, "worker"), "\n"), "START RequestId")
}

// asItWas fails the test unless the cloud is what it was at the snapshot.
func asItWas(t *testing.T, c *Cloud) {
	t.Helper()
	c.Settle(t)
	if got := c.Clock().Now(); !got.Equal(begun()) {
		t.Errorf("the clock shows %v", got)
	}
	if got := get(t, "GET", c.Gateway()+"/things", "", 200); got != "one\n" {
		t.Errorf("the table has %q", got)
	}
	if got := get(t, "GET", c.Gateway()+"/followed/one", "", 200); got != "1" {
		t.Errorf("the follower was told %s times", got)
	}
	if n := attempts(t, c); n != 1 {
		t.Errorf("the log has %d attempts, want 1", n)
	}
	c.Clock().Advance(t, time.Minute)
	if n := attempts(t, c); n != 2 {
		t.Errorf("%d attempts a minute later, want 2", n)
	}
	get(t, "PUT", c.Gateway()+"/things/three", "", 200)
	c.Settle(t)
	if got := get(t, "GET", c.Gateway()+"/followed/three", "", 200); got != "1" {
		t.Errorf("of what came since the follower was told %s times", got)
	}
}

func TestSnapshotInMemory(t *testing.T) {
	t.Parallel()
	c := Start(t, application(), At(begun()))
	history(t, c)
	asItWas(t, c)
	c.Restore(t, "one") // again, from another present
	asItWas(t, c)
}

// On a disk what was loaded is there at the next start too.
func TestSnapshotOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) {
		c := Start(t, application(), At(begun()), keptIn(dir))
		history(t, c)
	})
	t.Run("next", func(t *testing.T) {
		c := Start(t, keptIn(dir))
		asItWas(t, c)
		c.Restore(t, "one")
		asItWas(t, c)
	})
}

// A file goes on in another cloud, which has never seen the code, whatever its
// own store has been through.
func TestSnapshotFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.snapshot")
	t.Run("here", func(t *testing.T) {
		c := Start(t, application(), At(begun()))
		get(t, "PUT", c.Gateway()+"/things/one", "", 200)
		get(t, "POST", c.Gateway()+"/things/fail", "", 202)
		c.Settle(t)
		c.SaveFile(t, file)
	})
	for name, data := range map[string]string{"memory": cloud.InMemory, "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			c := Start(t, keptIn(data), func(o *options) { o.cloud.Code = t.TempDir() })
			c.RestoreFile(t, file)
			asItWas(t, c)
		})
	}
}

// Requests that come while a state is exchanged wait for the next one; those
// under way end, with an error at worst; nobody sees half of it.
//
// Mutation: requests that are let in while the state is exchanged (gate.hold
// leaves its house open): all of them fail.
func TestRestoreUnderLoad(t *testing.T) {
	t.Parallel()
	const clients, restores = 4, 3
	c := Start(t, application())
	get(t, "PUT", c.Gateway()+"/things/kept", "", 200)
	c.Snapshot(t, "kept")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	var good, bad atomic.Int64
	for w := range clients {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				req, err := http.NewRequestWithContext(ctx, "PUT", fmt.Sprintf("%s/things/%d-%d", c.Gateway(), w, i), nil)
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := http.DefaultClient.Do(req)
				if err == nil {
					resp.Body.Close()
				}
				switch {
				case ctx.Err() != nil:
				case err != nil || resp.StatusCode >= 500:
					bad.Add(1)
				case resp.StatusCode == 200:
					good.Add(1)
				default:
					t.Errorf("half of a state: %s", resp.Status)
				}
			}
		})
	}
	for range restores {
		for before := good.Load(); good.Load() < before+20; {
			get(t, "GET", c.Gateway()+"/things/kept", "", 200)
		}
		c.Restore(t, "kept")
	}
	stop()
	wg.Wait()
	if n := bad.Load(); n > clients*restores {
		t.Errorf("%d requests have failed, more than were under way when states were exchanged", n)
	}
	c.Settle(t)
	get(t, "GET", c.Gateway()+"/things/kept", "", 200)
}
