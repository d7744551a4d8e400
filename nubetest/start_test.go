package nubetest

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// get is a request of the application, whose status must be as wanted.
func get(t testing.TB, method, url, body string, want int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != want {
		t.Fatalf("%s %s: %s, want %d: %s", method, url, resp.Status, want, text)
	}
	return string(text)
}

func application() Option { return Dir("testdata/app") }

// Two clouds in one process know nothing of each other.
func TestTwoClouds(t *testing.T) {
	t.Parallel()
	a, b := Start(t, application()), Start(t, application())
	get(t, "PUT", a.Gateway()+"/things/one", "", 200)
	get(t, "GET", a.Gateway()+"/things/one", "", 200)
	get(t, "GET", b.Gateway()+"/things/one", "", 404)
	if a.Endpoint() == b.Endpoint() || a.Gateway() == b.Gateway() {
		t.Error("they share a port")
	}
}

func TestParallel(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			c := Start(t, application())
			name := fmt.Sprintf("/things/%d", i)
			get(t, "PUT", c.Gateway()+name, "", 200)
			c.Settle(t)
			if got := get(t, "GET", c.Gateway()+"/things", "", 200); got != fmt.Sprint(i, "\n") {
				t.Errorf("the table has %q", got)
			}
		})
	}
}

// refusing is a test that notes what fails it.
type refusing struct {
	testing.TB
	said string
}

func (r *refusing) Fatalf(format string, args ...any) {
	r.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// refused returns what fails a test that does something.
func refused(t *testing.T, do func(testing.TB)) string {
	r := &refusing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(r)
	}()
	<-done
	return r.said
}

// What a deployment cannot change is refused, not forgotten.
func TestOptionsOfADeployment(t *testing.T) {
	t.Parallel()
	c := Start(t)
	for want, opts := range map[string][]Option{
		"are options of Start": {application(), Region("eu-west-1")}, "not of Deploy": {application(), At(time.Unix(1, 0))},
		"Isolation": {application(), Isolation("off")}, "needs an application": nil,
	} {
		if got := refused(t, func(t testing.TB) { c.Deploy(t, opts...) }); !strings.Contains(got, want) {
			t.Errorf("%q, want %s", got, want)
		}
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	c := Start(t, application())
	get(t, "PUT", c.Gateway()+"/things/one", "", 200)
	c.Settle(t)
	log := strings.Join(c.Logs(t, "api"), "\n")
	for _, want := range []string{"START RequestId:", "PUT one", "REPORT RequestId:"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log is without %q:\n%s", want, log)
		}
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	c := Start(t, application())
	answer, err := c.Invoke(t.Context(), "worker", []byte(`"hello"`))
	if err != nil || string(answer) != `"hello"` {
		t.Errorf("%s, %v", answer, err)
	}
	_, err = c.Invoke(t.Context(), "worker", []byte(`"fail"`))
	if err == nil || !strings.Contains(err.Error(), "asked to fail") {
		t.Errorf("a failure is %v", err)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 2, 28, 23, 0, 0, 0, time.UTC)
	c := Start(t, application(), At(at))
	if got := c.Clock().Now(); !got.Equal(at) {
		t.Errorf("it is %v", got)
	}
	c.Clock().Advance(t, 2*time.Hour)
	if got, want := c.Clock().Now(), at.Add(2*time.Hour); !got.Equal(want) {
		t.Errorf("it is %v, want %v", got, want)
	}
	c.Clock().Run(t)
	c.Clock().Stop(t)
	now := c.Clock().Now()
	if now.Before(at.Add(2 * time.Hour)) {
		t.Errorf("it went back to %v", now)
	}
	c.Clock().Set(t, now.Add(time.Hour))
	if got := c.Clock().Now(); !got.Equal(now.Add(time.Hour)) {
		t.Errorf("it is %v", got)
	}
}

// The retries of an asynchronous invocation come when the clock is advanced, and
// not before.
//
// localstack#13099: tests had to wait as long as AWS does.
func TestAdvanceFiresRetries(t *testing.T) {
	t.Parallel()
	c := Start(t, application(), At(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
	tries := func() int { return strings.Count(strings.Join(c.Logs(t, "worker"), "\n"), "START RequestId") }
	get(t, "POST", c.Gateway()+"/things/fail", "", 202)
	c.Settle(t)
	if n := tries(); n != 1 {
		t.Fatalf("%d attempts before time went on, want 1", n)
	}
	c.Clock().Advance(t, 59*time.Second)
	if n := tries(); n != 1 {
		t.Errorf("%d attempts after 59 s, want 1", n)
	}
	c.Clock().Advance(t, time.Second)
	if n := tries(); n != 2 {
		t.Errorf("%d attempts after a minute, want 2", n)
	}
	c.Clock().Advance(t, 24*time.Hour)
	if n := tries(); n != 3 {
		t.Errorf("%d attempts after a day, want 3", n)
	}
}

// BenchmarkStart is the time until a cloud with an application has answered its
// first request.
func BenchmarkStart(b *testing.B) {
	for _, mode := range []string{"auto", "off"} {
		b.Run(mode, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				warm := func(t testing.TB) {
					c := Start(t, application(), Isolation(mode))
					get(t, "GET", c.Gateway()+"/things/none", "", 404)
				}
				b.StartTimer()
				ended(b, warm)
			}
		})
	}
}

// ended runs f as a test of its own, so that what it starts ends with it.
func ended(b *testing.B, f func(testing.TB)) {
	t := &owner{TB: b}
	f(t)
	b.StopTimer()
	t.cleanup()
	b.StartTimer()
}

type owner struct {
	testing.TB
	clean []func()
}

func (o *owner) Cleanup(f func()) { o.clean = append(o.clean, f) }

func (o *owner) cleanup() {
	for i := len(o.clean) - 1; i >= 0; i-- {
		o.clean[i]()
	}
}
