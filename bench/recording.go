package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// recordings are what nube can be told not to record. Logs and metrics are
// always recorded: they are services of their own.
var recordings = []struct {
	name string
	args []string
}{
	{"everything recorded (the default)", nil},
	{"without what can be replayed (--exchanges off)", []string{"--exchanges", "off"}},
	{"without traces (--traces off)", []string{"--traces", "off"}},
	{"without both", []string{"--exchanges", "off", "--traces", "off"}},
}

// recording measures what it costs to record, with the function that only answers
// and with one that reads DynamoDB.
func (b *bench) recording(ctx context.Context) error {
	app, err := newApplication(ctx, b.source(), 0)
	if err != nil {
		return err
	}
	defer os.RemoveAll(app.dir)
	err = b.recorded(ctx, "The cost of recording: a function that only answers", app.dir, func(_ context.Context, host string) ([][]byte, error) {
		return [][]byte{request(http.MethodGet, host, "/answer", "")}, nil
	})
	if err != nil {
		return err
	}
	return b.recorded(ctx, "The cost of recording: GET /users/{id}", filepath.Join(b.examples, "shop"), func(ctx context.Context, host string) ([][]byte, error) {
		gets, err := makeUsers(ctx, host)
		if err != nil {
			return nil, err
		}
		return gets(host), nil
	})
}

// recorded takes turns with clouds that record and clouds that do not, all of
// which run the application in dir.
func (b *bench) recorded(ctx context.Context, table, dir string, requests func(ctx context.Context, host string) ([][]byte, error)) error {
	var started field
	defer started.stop()
	for _, kind := range recordings {
		r, err := started.add(startNube(ctx, false, append([]string{"up", dir, "--watch=false"}, kind.args...)...))
		if err != nil {
			return err
		}
		all, err := requests(ctx, r.gateway)
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		started.enter(alongside, kind.name, r.gateway, all)
	}
	if err := started.race(ctx, b.duration); err != nil {
		return err
	}
	base := started.contenders[0]
	for _, c := range started.contenders {
		b.report.value(table, c.name, fmt.Sprintf("%d connections", gatewayConns), fmt.Sprintf("%s (%.2f×)", c.median, c.beside(base).median()))
	}
	return nil
}
