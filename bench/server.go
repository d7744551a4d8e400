package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is something that can be started and measured.
type server struct {
	name  string
	start func(ctx context.Context) (*running, error)
}

// running is a started server.
type running struct {
	host    string // of what is measured
	gateway string // of nube's application
	cmd     *exec.Cmd
	dir     string // removed at the end
}

func (r *running) stop() {
	if r.cmd != nil {
		syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM)
		done := make(chan struct{})
		go func() { r.cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
			<-done
		}
	}
	if r.dir != "" {
		os.RemoveAll(r.dir)
	}
}

// tools is where what is compared with is installed: bench/run does that.
func tools(name string) string { return filepath.Join(os.Getenv("BENCH_TOOLS"), name) }

// nubeServer is nube without an application.
func nubeServer(name string, memory bool) server {
	return server{name, func(ctx context.Context) (*running, error) {
		return startNube(ctx, memory, "start")
	}}
}

// startNube runs a subcommand of nube and waits for its ready line.
func startNube(ctx context.Context, memory bool, args ...string) (*running, error) {
	dir, err := os.MkdirTemp("", "nube-bench-")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if memory {
		data = "memory"
	}
	return startNubeIn(ctx, dir, data, args...)
}

// startNubeIn does that with a data directory; dir is removed at the end.
func startNubeIn(ctx context.Context, dir, data string, args ...string) (*running, error) {
	args = append(args, "--data", data, "--listen", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--output", "json")
	r, err := startReady(ctx, nil, os.Getenv("NUBE"), args...)
	if err != nil {
		if dir != "" {
			os.RemoveAll(dir)
		}
		return nil, err
	}
	r.dir = dir
	return r, nil
}

// startReady starts a program that prints a line of JSON when it is ready.
func startReady(ctx context.Context, env []string, name string, args ...string) (*running, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), env...)
	var complaints bytes.Buffer // shown when it does not become ready
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &running{cmd: cmd}
	said := bufio.NewReader(out)
	line, err := said.ReadBytes('\n')
	var ready struct {
		Ready             bool
		Endpoint, Gateway string
	}
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err == nil && !ready.Ready {
		err = errors.New("not ready: " + string(line))
	}
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, complaints.Bytes())
	}
	go io.Copy(io.Discard, said) // a full pipe would hold up whoever reports each change
	r.host, r.gateway = strings.TrimPrefix(ready.Endpoint, "http://"), strings.TrimPrefix(ready.Gateway, "http://")
	return r, nil
}

// freePort asks the system for a port that nobody uses.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// startOther runs a server that says nothing when it is ready: it is asked
// until it answers.
func startOther(ctx context.Context, dir string, env []string, args func(port string) []string) (*running, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	a := args(strconv.Itoa(port))
	cmd := exec.CommandContext(ctx, a[0], a[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &running{cmd: cmd, host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		resp, err := http.Get("http://" + r.host + "/")
		if err == nil {
			resp.Body.Close()
			return r, nil
		}
		if time.Now().After(deadline) {
			r.stop()
			return nil, fmt.Errorf("%s does not answer: %w", a[0], err)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			r.stop()
			return nil, err
		}
	}
}

func dynalite() server {
	return server{"dynalite 4.0.0, in memory", func(ctx context.Context) (*running, error) {
		return startOther(ctx, "", nil, func(port string) []string {
			return []string{"node", tools("node/node_modules/dynalite/cli.js"), "--port", port, "--createTableMs", "0"}
		})
	}}
}

func dynamoLocal(name string, memory bool) server {
	return server{name, func(ctx context.Context) (*running, error) {
		dir, err := os.MkdirTemp("", "dynamodblocal-")
		if err != nil {
			return nil, err
		}
		r, err := startOther(ctx, "", nil, func(port string) []string {
			args := []string{"java", "-Djava.library.path=" + tools("dynamodblocal"), "-cp", tools("dynamodblocal") + "/*",
				"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-disableTelemetry", "-port", port}
			if memory {
				return append(args, "-inMemory")
			}
			return append(args, "-dbPath", dir)
		})
		if err == nil {
			r.dir = dir
		}
		return r, err
	}}
}

func moto() server {
	return server{"moto 5.2.5 server, in memory", func(ctx context.Context) (*running, error) {
		return startOther(ctx, "", nil, func(port string) []string { return []string{tools("venv/bin/moto_server"), "-p", port} })
	}}
}
