package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// load is one measurement: so many connections, each sending the next request
// when the answer to the last is there.
type load struct {
	addr     string
	conns    int
	duration time.Duration
	// next returns the bytes of the n-th request of a connection.
	next func(conn, n int) []byte
	// ok tells whether an answer is the expected one.
	ok func(status int, body []byte) bool
}

// result is what a load measured.
type result struct {
	requests int
	perSec   float64
	p50, p99 time.Duration
}

func (r result) String() string {
	return fmt.Sprintf("%.0f/s, p50 %s, p99 %s", r.perSec, round(r.p50), round(r.p99))
}

func round(d time.Duration) time.Duration {
	if d > 10*time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// run warms up for a quarter of the time and then measures.
func (l load) run(ctx context.Context) (result, error) {
	if _, err := l.once(ctx, l.duration/4); err != nil {
		return result{}, err
	}
	return l.once(ctx, l.duration)
}

func (l load) once(ctx context.Context, d time.Duration) (result, error) {
	var wg sync.WaitGroup
	took := make([][]time.Duration, l.conns)
	errs := make([]error, l.conns)
	began := time.Now()
	end := began.Add(d)
	for c := range l.conns {
		wg.Go(func() { took[c], errs[c] = l.connection(ctx, c, end) })
	}
	wg.Wait()
	elapsed := time.Since(began)
	var all []time.Duration
	for c := range l.conns {
		if errs[c] != nil {
			return result{}, errs[c]
		}
		all = append(all, took[c]...)
	}
	if len(all) == 0 {
		return result{}, fmt.Errorf("no request was answered in %s", d)
	}
	slices.Sort(all)
	return result{
		requests: len(all), perSec: float64(len(all)) / elapsed.Seconds(),
		p50: all[len(all)/2], p99: all[min(len(all)-1, len(all)*99/100)],
	}, nil
}

// connection speaks HTTP/1.1 over one connection with little work of its own,
// since it shares the processors with what it measures.
func (l load) connection(ctx context.Context, c int, end time.Time) ([]time.Duration, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 32<<10)
	var body bytes.Buffer
	var took []time.Duration
	for n := 0; ; n++ {
		began := time.Now()
		if !began.Before(end) || ctx.Err() != nil {
			return took, nil
		}
		if _, err := conn.Write(l.next(c, n)); err != nil {
			return nil, err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return nil, err
		}
		body.Reset()
		if _, err := io.Copy(&body, resp.Body); err != nil {
			return nil, err
		}
		resp.Body.Close()
		took = append(took, time.Since(began))
		if !l.ok(resp.StatusCode, body.Bytes()) {
			return nil, fmt.Errorf("request %d of connection %d: status %d: %.300s", n, c, resp.StatusCode, body.Bytes())
		}
		if resp.Close {
			conn.Close()
			if conn, err = d.DialContext(ctx, "tcp", l.addr); err != nil {
				return nil, err
			}
			in.Reset(conn)
		}
	}
}

// all sends each of the requests once over one connection.
func (l load) all(ctx context.Context, requests [][]byte) ([]time.Duration, error) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	l.next = func(_, n int) []byte {
		if n == len(requests)-1 {
			done() // no other is sent
		}
		return requests[n]
	}
	return l.connection(ctx, 0, time.Now().Add(time.Hour))
}

// request is an HTTP request as bytes.
func request(method, host, path, body string, header ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, path, host, len(body))
	for i := 0; i+1 < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	b.WriteString("\r\n")
	b.WriteString(body)
	return b.Bytes()
}

// sendRaw sends one request on a connection of its own.
func sendRaw(ctx context.Context, addr string, raw []byte, ok func(status int, body []byte) bool) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(raw); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if !ok(resp.StatusCode, body) {
		return fmt.Errorf("status %d: %.300s", resp.StatusCode, body)
	}
	return nil
}

// pause waits between two questions to a server that has no way to tell when
// it is ready.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
