package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// program returns the path of the nube program.
var program = sync.OnceValues(func() (string, error) {
	if p := os.Getenv("NUBE"); p != "" {
		return p, nil
	}
	dir, err := os.MkdirTemp("", "nube-e2e-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "nube")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/nube")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

// cloud is a running nube.
type cloud struct {
	t        testing.TB
	Endpoint string `json:"endpoint"`
	Gateway  string `json:"gateway"`
	OTLP     string `json:"otlp"`
	Ready    bool   `json:"ready"`
	Debug    []struct{ Function, Address string }
	Deployed struct {
		Functions []struct {
			Name    string
			Callers []struct{ Kind, Name, Detail string }
		}
		Beside []struct{ Kind, Name, Detail string }
	} `json:"deployment"`

	dir, data string
	cmd       *exec.Cmd
	stderr    *tail
	lines     chan []byte // what it prints after it is ready
	ended     chan struct{}
}

// start runs nube with a subcommand on free ports and waits for its ready
// line. data is a directory, or memory.
func start(t testing.TB, data string, args ...string) *cloud {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t: t, data: data, stderr: &tail{}, lines: make(chan []byte, 1000), ended: make(chan struct{})}
	args = append(args, "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--data", data, "--output", "json")
	c.cmd = exec.Command(bin, args...)
	c.cmd.Stderr = c.stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.kill() })
	printed := bufio.NewReader(out)
	line, err := printed.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, c)
	}
	go func() {
		for {
			line, err := printed.ReadBytes('\n')
			if err != nil {
				break
			}
			c.lines <- line
		}
		c.cmd.Wait()
		close(c.lines)
		close(c.ended)
	}()
	if err != nil || !c.Ready {
		<-c.ended
		t.Fatalf("nube %s: %v\n%s%s", strings.Join(args, " "), err, line, c.stderr)
	}
	return c
}

// stop interrupts nube, as Ctrl-C does, and waits until it has ended in order.
func (c *cloud) stop() {
	c.t.Helper()
	c.cmd.Process.Signal(os.Interrupt)
	<-c.ended
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		c.t.Fatalf("nube ended with %d after an interrupt\n%s", code, c.stderr)
	}
}

// kill is kill -9.
func (c *cloud) kill() {
	c.cmd.Process.Signal(syscall.SIGKILL)
	<-c.ended
}

// env is the environment in which AWS's tools find the cloud.
func (c *cloud) env() []string {
	return append(os.Environ(), "AWS_ENDPOINT_URL="+c.Endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_REGION=us-east-1", "AWS_PAGER=", "GATEWAY="+c.Gateway, "AWS_EC2_METADATA_DISABLED=true")
}

// nube runs another command against the cloud and returns what it printed.
func (c *cloud) nube(args ...string) (stdout string, code int) {
	c.t.Helper()
	bin, err := program()
	if err != nil {
		c.t.Fatal(err)
	}
	return c.run(exec.Command(bin, args...))
}

// run runs a tool that finds the cloud through its environment.
func (c *cloud) run(cmd *exec.Cmd) (stdout string, code int) {
	c.t.Helper()
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = c.env(), &out, &errs
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		c.t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		return out.String() + errs.String(), code
	}
	return out.String(), 0
}

// settle waits until nothing is under way.
func (c *cloud) settle() {
	c.t.Helper()
	if out, code := c.nube("settle", "--timeout", "60s"); code != 0 {
		c.t.Fatalf("nube settle ended with %d: %s", code, out)
	}
}

// reply is an answer of the application.
type reply struct {
	status int
	header http.Header
	body   string
}

// object is the body as JSON.
func (r reply) object(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(r.body), &out); err != nil {
		t.Fatalf("no JSON: %v in %q", err, r.body)
	}
	return out
}

// send sends a request to the application.
func (c *cloud) send(method, path, body string, header ...string) reply {
	c.t.Helper()
	r, err := c.try(method, path, body, header...)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *cloud) try(method, path, body string, header ...string) (reply, error) {
	req, err := http.NewRequest(method, c.Gateway+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(text)}, err
}

// tail keeps the end of what a program writes.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - 64<<10; over > 0 {
		t.buf = t.buf[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
