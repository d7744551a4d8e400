package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/otlp/message"
)

// How a request that failed is sent again.
const (
	firstPause = time.Second // doubled each time, half of it jitter
	maxPause   = 30 * time.Second
	giveUp     = 5 * time.Minute // after so long
)

// send sends a request until it is taken, refused for good, or too old. What
// cannot be delivered is lost, and said once until something gets through again.
//
// https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
func (e *Exporter) send(ctx context.Context, t message.Type, body []byte) {
	if ctx.Err() != nil {
		return // the cloud stops
	}
	packed, err := pack(body)
	if err != nil {
		e.failed(t, err, true)
		return
	}
	began := e.o.Machine.Now()
	for try := 0; ; try++ {
		after, again, err := e.post(ctx, t, packed)
		if err == nil {
			e.passed(t)
			return
		}
		lost := !again || e.o.Machine.Since(began) > giveUp
		e.failed(t, err, lost)
		if lost {
			return
		}
		if after == 0 {
			pause := min(firstPause<<min(try, 10), maxPause)
			after = pause/2 + rand.N(pause/2)
		}
		if e.o.Machine.Wait(ctx, min(after, giveUp)) != nil {
			return // the cloud stops
		}
	}
}

func pack(body []byte) ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// post sends a request once. again says that it is worth another try, after
// some time if the receiver says so.
func (e *Exporter) post(ctx context.Context, t message.Type, packed []byte) (after time.Duration, again bool, err error) {
	ctx, cancel := e.o.Machine.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.urls[t], bytes.NewReader(packed))
	if err != nil {
		return 0, false, err
	}
	for k, v := range e.o.Target.Headers {
		req.Header.Set(k, v)
	}
	req.Header.Set("Content-Type", protobufType)
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("User-Agent", "nube/"+e.o.Version)
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, true, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		if rejected, why := message.ReadPartial(answer); rejected > 0 {
			e.o.Log.Warn("telemetry was rejected by the receiver of the export", "to", e.urls[t], "items", rejected, "why", why)
		}
		return 0, false, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return e.retryAfter(resp.Header.Get("Retry-After")), true, fmt.Errorf("%s", resp.Status)
	}
	if err != nil {
		return 0, true, err
	}
	return 0, false, fmt.Errorf("%s: %.200q", resp.Status, answer)
}

// retryAfter reads the header: seconds, or a date.
// https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func (e *Exporter) retryAfter(s string) time.Duration {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return time.Duration(min(n, int(giveUp/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(e.o.Machine.Now()))
	}
	return 0
}

// failed says once that telemetry does not get through.
func (e *Exporter) failed(t message.Type, err error, lost bool) {
	e.mu.Lock()
	first := !e.failing[t]
	e.failing[t] = true
	if lost {
		e.lost++
	}
	e.mu.Unlock()
	if first {
		e.o.Log.Warn("telemetry is not exported", "to", e.urls[t], "err", err)
	}
}

// passed says that it does again.
func (e *Exporter) passed(t message.Type) {
	e.mu.Lock()
	was, lost := e.failing[t], e.lost
	e.failing[t] = false
	if was {
		e.lost = 0
	}
	e.mu.Unlock()
	if was {
		e.o.Log.Warn("telemetry is exported again", "to", e.urls[t], "requests lost", lost)
	}
}
