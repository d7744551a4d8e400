package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// languages are the examples with the same user API.
func languages(t *testing.T) map[string]string {
	return map[string]string{"go": "../examples/shop", "node": "../examples/shop-node", "python": "../examples/shop-python"}
}

func TestUsers(t *testing.T) {
	for name, dir := range languages(t) {
		t.Run(name, func(t *testing.T) {
			c := start(t, "memory", "up", dir)
			t.Run("life of a user", func(t *testing.T) { lifeOfAUser(t, c) })
			t.Run("invalid bodies", func(t *testing.T) { invalidBodies(t, c) })
			t.Run("methods and preflight", func(t *testing.T) { methods(t, c) })
			t.Run("an address is one user's", func(t *testing.T) { uniqueAddress(t, c) })
			t.Run("an address raced for", func(t *testing.T) { addressRace(t, c) })
			c.settle()
			c.stop()
		})
	}
}

func (c *cloud) create(name, email string) reply {
	c.t.Helper()
	return c.send("POST", "/users", fmt.Sprintf(`{"name":%q,"email":%q}`, name, email), "Content-Type", "application/json")
}

func want(t *testing.T, r reply, status int) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

func lifeOfAUser(t *testing.T, c *cloud) {
	made := want(t, c.create("Ada", "ada@example.com"), http.StatusCreated)
	user := made.object(t)
	id, _ := user["id"].(string)
	if id == "" || made.header.Get("Location") != "/users/"+id || user["name"] != "Ada" || user["email"] != "ada@example.com" {
		t.Fatalf("created %v at %q", user, made.header.Get("Location"))
	}
	if got := want(t, c.send("GET", "/users/"+id, ""), http.StatusOK).object(t); got["name"] != "Ada" {
		t.Fatalf("read %v", got)
	}
	changed := want(t, c.send("PUT", "/users/"+id, `{"name":"Ada L.","email":"lovelace@example.com"}`), http.StatusOK).object(t)
	if changed["name"] != "Ada L." || changed["email"] != "lovelace@example.com" {
		t.Fatalf("changed to %v", changed)
	}
	want(t, c.create("Other", "ada@example.com"), http.StatusCreated) // the old address is free
	want(t, c.send("DELETE", "/users/"+id, ""), http.StatusNoContent)
	want(t, c.send("GET", "/users/"+id, ""), http.StatusNotFound)
	want(t, c.send("DELETE", "/users/"+id, ""), http.StatusNotFound)
	want(t, c.create("Again", "lovelace@example.com"), http.StatusCreated)
}

func invalidBodies(t *testing.T, c *cloud) {
	for body, field := range map[string]string{
		`{`: "", `[]`: "", `{"email":"x@example.com"}`: "name", `{"name":"X"}`: "email", `{"name":"X","email":"nobody"}`: "email",
		`{"name":"X","email":"y@example.com","status":"odd"}`: "status",
	} {
		got := want(t, c.send("POST", "/users", body), http.StatusBadRequest)
		if field != "" && !strings.Contains(got.body, fmt.Sprintf(`"field":%q`, field)) && !strings.Contains(got.body, fmt.Sprintf(`"field": %q`, field)) {
			t.Errorf("%s: %s, want an error of field %s", body, got.body, field)
		}
	}
}

func methods(t *testing.T, c *cloud) {
	r := want(t, c.send("PATCH", "/users/1", "{}"), http.StatusMethodNotAllowed)
	if r.header.Get("Allow") == "" {
		t.Error("405 without Allow")
	}
	// The guideline's users are asked for one by one: it has no list of them.
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if r := want(t, c.send(method, "/users", ""), http.StatusBadRequest); r.object(t)["message"] != "User ID is required" {
			t.Errorf("%s /users: %s", method, r.body)
		}
	}
	for _, path := range []string{"/users", "/users/1"} {
		pre := want(t, c.send("OPTIONS", path, "", "Origin", "http://example.com", "Access-Control-Request-Method", "POST"), http.StatusOK)
		if pre.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(pre.header.Get("Access-Control-Allow-Methods"), "OPTIONS") {
			t.Errorf("preflight of %s: %v", path, pre.header)
		}
	}
	missing := want(t, c.send("GET", "/nothing/here", ""), http.StatusForbidden)
	if !strings.Contains(missing.body, "Missing Authentication Token") {
		t.Errorf("an unknown path says %s", missing.body)
	}
}

func uniqueAddress(t *testing.T, c *cloud) {
	want(t, c.create("First", "one@example.com"), http.StatusCreated)
	again := want(t, c.create("Second", "one@example.com"), http.StatusConflict)
	if !strings.Contains(again.body, "email") {
		t.Errorf("conflict says %s", again.body)
	}
}

// addressRace: of many who want the same address at once, one gets it.
func addressRace(t *testing.T, c *cloud) {
	const racers = 16
	var wg sync.WaitGroup
	status := make([]int, racers)
	for i := range racers {
		wg.Go(func() {
			if r, err := c.try("POST", "/users", `{"name":"Racer","email":"race@example.com"}`); err == nil {
				status[i] = r.status
			}
		})
	}
	wg.Wait()
	won := 0
	for _, s := range status {
		switch s {
		case http.StatusCreated:
			won++
		case http.StatusConflict:
		default:
			t.Errorf("status %d", s)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d racers got the address", won, racers)
	}
}

// TestEverythingIsThereAgain stops nube and starts it again without a manifest:
// the data, the API, the function and its role are there.
//
// localstack#6842, #7119, #6463: tables were empty after a restart, and APIs gone.
//
// Mutation that it finds: the region of the application is not recalled, and the
// gateway looks for it in another.
func TestEverythingIsThereAgain(t *testing.T) {
	data, dir := t.TempDir(), copyExample(t, "shop")
	edit(t, filepath.Join(dir, "serverless.yml"), "region: us-east-1", "region: eu-central-1") // not the default
	c := start(t, data, "up", dir)
	id := want(t, c.create("Ada", "ada@example.com"), http.StatusCreated).object(t)["id"].(string)
	c.stop()

	c = start(t, data, "start")
	if got := want(t, c.send("GET", "/users/"+id, ""), http.StatusOK).object(t); got["name"] != "Ada" {
		t.Fatalf("after a restart: %v", got)
	}
	want(t, c.create("Ada", "ada@example.com"), http.StatusConflict)
	c.stop()
}

// TestKilledInABurst: whatever was acknowledged before kill -9 is there.
//
// Mutation that it finds: a store in memory.
func TestKilledInABurst(t *testing.T) {
	data := t.TempDir()
	c := start(t, data, "up", "../examples/shop")
	const writers, enough = 16, 200
	var mu sync.Mutex
	var acked []string
	reached := make(chan struct{})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := 0; ; i++ {
				r, err := c.try("POST", "/users", fmt.Sprintf(`{"name":"W","email":"w%d-%d@example.com"}`, w, i))
				if err != nil {
					return // killed
				}
				if r.status != http.StatusCreated {
					continue
				}
				mu.Lock()
				acked = append(acked, strings.TrimPrefix(r.header.Get("Location"), "/users/"))
				if len(acked) == enough {
					close(reached)
				}
				mu.Unlock()
			}
		})
	}
	<-reached
	c.kill()
	wg.Wait()

	c = start(t, data, "start")
	for _, id := range acked {
		want(t, c.send("GET", "/users/"+id, ""), http.StatusOK)
	}
	t.Logf("%d acknowledged writes, all there", len(acked))
	c.stop()
}

// TestDeployWhileRunning changes the manifest of a running application, well
// and badly.
//
// Mutation that it finds: a stack that takes what it is already for a change.
func TestDeployWhileRunning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	if out, err := exec.Command("cp", "-r", "../examples/shop", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := start(t, t.TempDir(), "up", dir)
	manifest := filepath.Join(dir, "serverless.yml")
	want(t, c.create("Ada", "ada@example.com"), http.StatusCreated)

	edit(t, manifest, "timeout: 10", "timeout: 11")
	if out, code := c.nube("deploy", dir); code != 0 {
		t.Fatalf("nube deploy ended with %d: %s", code, out)
	}
	if out, _ := c.nube("deploy", dir); !strings.Contains(out, "unchanged") {
		t.Errorf("deploying the same again says %s", out)
	}
	want(t, c.create("Bob", "bob@example.com"), http.StatusCreated)

	// A mistake is shown with its place, and what runs goes on.
	edit(t, manifest, "memorySize: 256", "memorySise: 256")
	out, code := c.nube("deploy", dir)
	if code != 1 || !strings.Contains(out, "serverless.yml:") || !strings.Contains(out, "^") || !strings.Contains(out, "memorySize") {
		t.Errorf("a mistake ended with %d: %s", code, out)
	}
	want(t, c.create("Cid", "cid@example.com"), http.StatusCreated)
	edit(t, manifest, "memorySise: 256", "memorySize: 256")

	// A change that fails is rolled back.
	edit(t, manifest, "table/users-${self:provider.stage}\"", "table/users-${self:provider.stage}\"\n    - Effect: Allow\n      Action: nonsense\n      Resource: \"*\"")
	if out, code := c.nube("deploy", dir); code != 1 {
		t.Errorf("a policy that IAM refuses ended with %d: %s", code, out)
	}
	want(t, c.create("Dan", "dan@example.com"), http.StatusCreated)
	c.stop()
}
