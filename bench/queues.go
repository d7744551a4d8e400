package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// queueTarget is a server of SQS that is measured.
type queueTarget struct {
	server
	deep bool // it is filled too; a database takes an hour for that
}

func queueTargets() []queueTarget {
	return []queueTarget{
		{nubeServer("nube, durable (fsync before the answer)", false), true},
		{nubeServer("nube, in memory", true), true},
		{elasticMQ("ElasticMQ 1.7.1, on disk (H2)", true), false},
		{elasticMQ("ElasticMQ 1.7.1, in memory (its default)", false), true},
	}
}

// elasticMQ is started as its own documentation says; what it stores goes to
// its H2 database where disk says so.
// https://github.com/softwaremill/elasticmq#persisting-queues-and-queue-messages-to-sql-database
func elasticMQ(name string, disk bool) server {
	return server{name, func(ctx context.Context) (*running, error) {
		dir, err := os.MkdirTemp("", "elasticmq-")
		if err != nil {
			return nil, err
		}
		r, err := startOther(ctx, dir, nil, func(port string) []string {
			args := []string{"java", "-Drest-sqs.bind-hostname=127.0.0.1", "-Drest-sqs.bind-port=" + port, "-Dnode-address.port=" + port,
				"-Drest-stats.enabled=false"}
			if disk {
				args = append(args, "-Dmessages-storage.enabled=true", "-Dmessages-storage.uri=jdbc:h2:"+filepath.Join(dir, "messages"))
			}
			return append(args, "-cp", tools("elasticmq")+"/*", "org.elasticmq.server.Main")
		})
		if err != nil {
			os.RemoveAll(dir)
			return nil, err
		}
		r.dir = dir
		return r, nil
	}}
}

const (
	messageBytes = 500
	warmUp       = 10 * time.Second // what a virtual machine takes until it has compiled what it needs
)

// queues measures a message's whole way, sent, received and deleted, on an empty
// queue and on a deep one.
func (b *bench) queues(ctx context.Context) error {
	for _, s := range queueTargets() {
		if err := b.queue(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (b *bench) queue(ctx context.Context, s queueTarget) error {
	run, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer run.stop()
	warm := &queue{host: run.host, body: strings.Repeat("x", messageBytes)}
	if err := warm.create(ctx, "warm"); err != nil {
		return err
	}
	if _, err := warm.load(ctx, 16, warmUp); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	for _, depth := range []int{0, b.depth} {
		if depth > 0 && !s.deep {
			break
		}
		q := &queue{host: run.host, body: strings.Repeat("x", messageBytes)}
		if err := q.create(ctx, fmt.Sprint("depth-", depth)); err != nil {
			return err
		}
		if err := q.fill(ctx, depth); err != nil {
			return fmt.Errorf("filling: %w", err)
		}
		for _, conns := range []int{1, 16} {
			if _, err := q.load(ctx, conns, b.duration/4); err != nil {
				return err
			}
			res, err := q.load(ctx, conns, b.duration)
			if err != nil {
				return err
			}
			b.report.add("SQS: send, receive, delete", s.name, fmt.Sprintf("%s deep, %d conn", thousands(depth), conns), res)
		}
	}
	return nil
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// queue is a queue that is measured.
type queue struct {
	host, url, body string
}

func (q *queue) create(ctx context.Context, name string) error {
	l, err := dial(ctx, q.host)
	if err != nil {
		return err
	}
	defer l.close()
	var out struct{ QueueUrl string }
	if err := l.sqs(ctx, "CreateQueue", map[string]any{"QueueName": name}, &out); err != nil {
		return err
	}
	q.url = out.QueueUrl
	return nil
}

// fill sends so many messages, ten in a request over 16 connections.
func (q *queue) fill(ctx context.Context, depth int) error {
	type entry struct{ Id, MessageBody string }
	entries := make([]entry, 10)
	for i := range entries {
		entries[i] = entry{strconv.Itoa(i), q.body}
	}
	raw, err := signed(ctx, q.host, "sqs", "AmazonSQS.SendMessageBatch", map[string]any{"QueueUrl": q.url, "Entries": entries})
	if err != nil {
		return err
	}
	return together(16, func(c int) error {
		l, err := dial(ctx, q.host)
		if err != nil {
			return err
		}
		defer l.close()
		for range depth / 10 / 16 {
			var out struct{ Failed []any }
			if err := l.roundTrip(raw, &out); err != nil {
				return err
			}
			if len(out.Failed) > 0 {
				return fmt.Errorf("not sent: %v", out.Failed)
			}
		}
		return nil
	})
}

// load has so many connections send a message, receive one and delete that.
// What is counted is all three.
func (q *queue) load(ctx context.Context, conns int, d time.Duration) (result, error) {
	send, err := signed(ctx, q.host, "sqs", "AmazonSQS.SendMessage", map[string]any{"QueueUrl": q.url, "MessageBody": q.body})
	if err != nil {
		return result{}, err
	}
	receive, err := signed(ctx, q.host, "sqs", "AmazonSQS.ReceiveMessage", map[string]any{"QueueUrl": q.url, "WaitTimeSeconds": 20})
	if err != nil {
		return result{}, err
	}
	took := make([][]time.Duration, conns)
	began := time.Now()
	end := began.Add(d)
	err = together(conns, func(c int) error {
		l, err := dial(ctx, q.host)
		if err != nil {
			return err
		}
		defer l.close()
		for began := time.Now(); began.Before(end); began = time.Now() {
			if err := l.roundTrip(send, nil); err != nil {
				return fmt.Errorf("send: %w", err)
			}
			var got struct {
				Messages []struct{ ReceiptHandle string }
			}
			if err := l.roundTrip(receive, &got); err != nil {
				return fmt.Errorf("receive: %w", err)
			}
			if len(got.Messages) != 1 {
				return fmt.Errorf("%d messages received", len(got.Messages))
			}
			if err := l.sqs(ctx, "DeleteMessage", map[string]any{"QueueUrl": q.url, "ReceiptHandle": got.Messages[0].ReceiptHandle}, nil); err != nil {
				return fmt.Errorf("delete: %w", err)
			}
			took[c] = append(took[c], time.Since(began))
		}
		return nil
	})
	if err != nil {
		return result{}, err
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	return result{
		requests: len(all), perSec: float64(len(all)) / time.Since(began).Seconds(),
		p50: all[len(all)/2], p99: all[min(len(all)-1, len(all)*99/100)],
	}, nil
}

// line is one connection that is kept.
type line struct {
	host string
	conn net.Conn
	in   *bufio.Reader
	body bytes.Buffer
}

func dial(ctx context.Context, host string) (*line, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &line{host: host, conn: conn, in: bufio.NewReaderSize(conn, 32<<10)}, nil
}

func (l *line) close() { l.conn.Close() }

// sqs calls an operation of SQS.
func (l *line) sqs(ctx context.Context, op string, in, out any) error {
	raw, err := signed(ctx, l.host, "sqs", "AmazonSQS."+op, in)
	if err != nil {
		return err
	}
	return l.roundTrip(raw, out)
}

// roundTrip sends a request and reads its answer into out, which may be nil.
func (l *line) roundTrip(raw []byte, out any) error {
	if _, err := l.conn.Write(raw); err != nil {
		return err
	}
	resp, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return err
	}
	l.body.Reset()
	if _, err := io.Copy(&l.body, resp.Body); err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %.300s", resp.StatusCode, l.body.Bytes())
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(l.body.Bytes(), out)
}
