package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDebug stops functions in three languages at a breakpoint, by the protocol
// of each debugger, for longer than their time-out: the request is answered all
// the same when they go on, and by the same instance.
//
// sam-cli#3749, #2668, #6546: debuggers did not attach to warm functions, were not
// waited for, and not at all in Python.
//
// Mutations that it finds: a time-out that runs while the function is stopped, a
// gateway that does not wait, a second instance that answers past the debugger.
func TestDebug(t *testing.T) {
	for _, tt := range []struct {
		example string
		// attach sets a breakpoint in the handler, calls request, waits until the
		// function is stopped there, calls stopped, and lets it go on.
		attach func(t *testing.T, c *cloud, addr string, request, stopped func())
	}{
		{"shop", delve}, {"shop-node", inspector}, {"shop-python", debugpy},
	} {
		t.Run(tt.example, func(t *testing.T) {
			dir := copyExample(t, tt.example)
			const limit = time.Second
			edit(t, filepath.Join(dir, "serverless.yml"), "    timeout: 10\n", "    timeout: 1\n")
			c := start(t, filepath.Join(t.TempDir(), "data"), "up", dir, "--watch=false", "--debug", "userApi=0")
			if len(c.Debug) != 1 || c.Debug[0].Function != "userApi" {
				t.Fatalf("debugging %+v", c.Debug)
			}
			answer := make(chan reply, 1)
			request := func() {
				go func() {
					r, err := c.try(http.MethodGet, "/users/nobody", "")
					if err != nil {
						t.Error(err)
					}
					answer <- r
				}()
			}
			var before, after string
			tt.attach(t, c, c.Debug[0].Address, request, func() {
				before, _ = c.nube("clock", "--output", "json")
				// There is no fact to wait for when nothing is to happen.
				over := time.NewTimer(limit + limit/2)
				defer over.Stop()
				select {
				case r := <-answer:
					t.Errorf("answered while it was stopped: %d %s", r.status, r.body)
				case <-over.C:
				}
				after, _ = c.nube("clock", "--output", "json")
			})
			if r := <-answer; r.status != http.StatusNotFound {
				t.Errorf("status %d: %s", r.status, r.body)
			}
			if before == "" || before != after {
				t.Errorf("the clock went on while the function was stopped: %s, then %s", before, after)
			}
			if r := c.send(http.MethodGet, "/users/nobody", ""); r.status != http.StatusNotFound {
				t.Errorf("without the debugger: %d %s", r.status, r.body)
			}
			c.stop()
		})
	}
}

// delve drives Delve's own client.
func delve(t *testing.T, c *cloud, addr string, request, stopped func()) {
	dlv, err := exec.LookPath("dlv")
	if err != nil {
		dlv = filepath.Join(c.data, "tools", "dlv")
	}
	cmd := exec.Command(dlv, "connect", addr)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(out)
	until := func(word string) {
		t.Helper()
		var all bytes.Buffer
		for !strings.Contains(all.String(), word) {
			b, err := said.ReadByte()
			if err != nil {
				t.Fatalf("%v before %q: %s", err, word, all.Bytes())
			}
			all.WriteByte(b)
		}
	}
	until("Type 'help'")
	fmt.Fprintln(in, "break main.(*API).route")
	until("Breakpoint 1 set")
	fmt.Fprintln(in, "continue")
	request()
	until("> [Breakpoint 1]")
	stopped()
	fmt.Fprintln(in, "clearall")
	until("cleared")
	fmt.Fprintln(in, "continue")
	// The client stays until its program stops again: leave it as an editor does
	// that is closed.
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// inspector speaks the Chrome DevTools Protocol over a WebSocket.
func inspector(t *testing.T, c *cloud, addr string, request, stopped func()) {
	r, err := http.Get("http://" + addr + "/json/list")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var list []struct{ WebSocketDebuggerURL string }
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil || len(list) == 0 {
		t.Fatalf("%v %v", list, err)
	}
	ws := dialWebSocket(t, addr, strings.TrimPrefix(list[0].WebSocketDebuggerURL, "ws://"+addr))
	until := func(word string) {
		t.Helper()
		for {
			if text := ws.read(t); strings.Contains(text, word) {
				return
			}
		}
	}
	ws.write(t, `{"id":1,"method":"Debugger.enable"}`)
	until(`"id":1`)
	ws.write(t, `{"id":2,"method":"Debugger.setBreakpointByUrl","params":{"urlRegex":".*userapi\\.js","lineNumber":19}}`)
	until(`"id":2`)
	request()
	until(`"method":"Debugger.paused"`)
	stopped()
	ws.write(t, `{"id":3,"method":"Debugger.disable"}`) // which goes on
	until(`"id":3`)
}

// debugpy speaks the Debug Adapter Protocol.
func debugpy(t *testing.T, c *cloud, addr string, request, stopped func()) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	in := bufio.NewReader(conn)
	seq := 0
	send := func(command, arguments string) {
		t.Helper()
		seq++
		body := fmt.Sprintf(`{"seq":%d,"type":"request","command":%q,"arguments":%s}`, seq, command, arguments)
		if _, err := fmt.Fprintf(conn, "Content-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
	}
	until := func(kind, name string) (m struct {
		Event, Command string
		Success        bool
		Message        string
		Body           struct{ ThreadID int }
	}) {
		t.Helper()
		for {
			size := 0
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					t.Fatalf("%v before %s %s", err, kind, name)
				}
				if line = strings.TrimSpace(line); line == "" {
					break
				}
				fmt.Sscanf(line, "Content-Length: %d", &size)
			}
			body := make([]byte, size)
			if _, err := io.ReadFull(in, body); err != nil {
				t.Fatal(err)
			}
			m.Event, m.Command = "", ""
			if err := json.Unmarshal(body, &m); err != nil {
				t.Fatal(err)
			}
			if kind == "event" && m.Event == name || kind == "response" && m.Command == name {
				return m
			}
		}
	}
	send("initialize", `{"adapterID":"e2e","pathFormat":"path"}`)
	until("response", "initialize")
	send("attach", `{"justMyCode":false}`)
	until("event", "initialized")
	send("setFunctionBreakpoints", `{"breakpoints":[{"name":"route"}]}`)
	until("response", "setFunctionBreakpoints")
	send("configurationDone", `{}`)
	until("response", "configurationDone")
	request()
	m := until("event", "stopped")
	stopped()
	send("setFunctionBreakpoints", `{"breakpoints":[]}`)
	until("response", "setFunctionBreakpoints")
	send("continue", fmt.Sprintf(`{"threadId":%d}`, m.Body.ThreadID))
	until("response", "continue")
}

// webSocket is as much of RFC 6455 as a debugger's client needs.
type webSocket struct {
	conn net.Conn
	in   *bufio.Reader
}

func dialWebSocket(t *testing.T, addr, path string) *webSocket {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", path, addr)
	in := bufio.NewReader(conn)
	r, err := http.ReadResponse(in, nil)
	if err != nil || r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", r, err)
	}
	return &webSocket{conn, in}
}

// write sends a text of less than 64 KB, masked with zeros.
func (w *webSocket) write(t *testing.T, text string) {
	t.Helper()
	head := binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	if _, err := w.conn.Write(append(append(head, 0, 0, 0, 0), text...)); err != nil {
		t.Fatal(err)
	}
}

func (w *webSocket) read(t *testing.T) string {
	t.Helper()
	head := make([]byte, 2)
	_, err := io.ReadFull(w.in, head)
	n := uint64(head[1])
	switch head[1] {
	case 126, 127:
		long := make([]byte, map[byte]int{126: 2, 127: 8}[head[1]])
		if err == nil {
			_, err = io.ReadFull(w.in, long)
		}
		n = 0
		for _, b := range long {
			n = n<<8 | uint64(b)
		}
	}
	text := make([]byte, n)
	if err == nil {
		_, err = io.ReadFull(w.in, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
