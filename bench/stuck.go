package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	stuckTargets = 100
	stuckRounds  = 30 // publications of each kind, in turns
)

// stuck measures how long a message takes from its publication to each of 100
// HTTP endpoints that are subscribed to a topic, when all of them answer and
// when one of them never does.
func (b *bench) stuck(ctx context.Context) error {
	run, err := startNube(ctx, false, "start")
	if err != nil {
		return err
	}
	defer run.stop()
	at, err := listenEndpoints()
	if err != nil {
		return err
	}
	defer at.close()
	topics := []*topic{{name: "all-answer"}, {name: "one-stuck", stuck: true}}
	for _, t := range topics {
		if err := t.subscribe(ctx, run.host, at); err != nil {
			return fmt.Errorf("topic %s: %w", t.name, err)
		}
	}
	for range stuckRounds {
		for _, t := range topics {
			if err := t.publish(ctx, run.host, at); err != nil {
				return fmt.Errorf("topic %s: %w", t.name, err)
			}
		}
	}
	for i, who := range []string{"all answer", "one never answers; the others"} {
		took := slices.Sorted(slices.Values(topics[i].took))
		b.report.value("SNS: from Publish to each of 100 HTTP endpoints", "nube, durable: "+who, "one publication at a time",
			fmt.Sprintf("p50 %s, p99 %s", round(took[len(took)/2]), round(took[len(took)*99/100])))
	}
	return nil
}

// topic is one whose endpoints are measured.
type topic struct {
	name, arn string
	stuck     bool // its first endpoint never answers
	took      []time.Duration
}

// subscribe makes the topic and its subscriptions, and waits until all of them
// are confirmed.
func (t *topic) subscribe(ctx context.Context, host string, at *endpoints) error {
	l, err := dial(ctx, host)
	if err != nil {
		return err
	}
	defer l.close()
	send := func(form url.Values) error {
		form.Set("Version", "2010-03-31")
		raw, err := signedForm(ctx, host, "sns", form)
		if err != nil {
			return err
		}
		return l.roundTrip(raw, nil)
	}
	t.arn = "arn:aws:sns:us-east-1:000000000000:" + t.name
	if err := send(url.Values{"Action": {"CreateTopic"}, "Name": {t.name}}); err != nil {
		return err
	}
	for i := range stuckTargets {
		if err := send(url.Values{"Action": {"Subscribe"}, "TopicArn": {t.arn}, "Protocol": {"http"}, "Endpoint": {at.address(t, i)}}); err != nil {
			return err
		}
		if err := at.confirmed(ctx); err != nil {
			return err
		}
	}
	return nil
}

// publish sends one message and waits until all endpoints have it that answer.
func (t *topic) publish(ctx context.Context, host string, at *endpoints) error {
	raw, err := signedForm(ctx, host, "sns", url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {t.arn}, "Message": {"hello"}})
	if err != nil {
		return err
	}
	expected := stuckTargets
	if t.stuck {
		expected--
	}
	began := time.Now()
	if err := one(ctx, host, raw); err != nil {
		return err
	}
	for range expected {
		select {
		case now := <-at.arrivals:
			t.took = append(t.took, now.Sub(began))
		case <-time.After(30 * time.Second):
			return fmt.Errorf("a message does not arrive")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// endpoints are all endpoints: the paths of one server.
type endpoints struct {
	listener net.Listener
	server   *http.Server
	arrivals chan time.Time
	confirms chan error
	ended    chan struct{}
	end      sync.Once
}

func listenEndpoints() (*endpoints, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &endpoints{listener: l, arrivals: make(chan time.Time, stuckTargets), confirms: make(chan error, 1), ended: make(chan struct{})}
	e.server = &http.Server{Handler: e}
	go e.server.Serve(l)
	return e, nil
}

func (e *endpoints) close() {
	e.end.Do(func() { close(e.ended) })
	e.server.Close()
}

// address is where a topic's i-th subscription sends to.
func (e *endpoints) address(t *topic, i int) string {
	path := "/answers/"
	if t.stuck && i == 0 {
		path = "/stuck/"
	}
	return "http://" + e.listener.Addr().String() + path + t.name + "/" + strconv.Itoa(i)
}

// confirmed waits until the subscription just made is confirmed.
func (e *endpoints) confirmed(ctx context.Context) error {
	select {
	case err := <-e.confirms:
		return err
	case <-time.After(30 * time.Second):
		return fmt.Errorf("no confirmation was asked for")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *endpoints) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var m struct{ Type, SubscribeURL string }
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case m.Type == "SubscriptionConfirmation":
		go func() { e.confirms <- visit(m.SubscribeURL) }()
	case len(r.URL.Path) > 7 && r.URL.Path[:7] == "/stuck/":
		<-e.ended
	default:
		e.arrivals <- now
	}
}

// visit follows a link.
func visit(link string) error {
	resp, err := http.Get(link)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", link, resp.StatusCode)
	}
	return nil
}
