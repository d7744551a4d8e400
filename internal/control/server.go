package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// Platform is the cloud, as far as the API drives it.
type Platform interface {
	Status(ctx context.Context) (Status, error)
	// Deploy tells of each step, and returns an error when the deployment
	// failed and was rolled back.
	Deploy(ctx context.Context, r DeployRequest, tell func(DeployEvent)) (*Deployment, error)
}

// Problems is implemented by errors of Deploy that are complaints about the
// manifest, each with its place and a caret.
type Problems interface{ Problems() []string }

// Server answers the API.
type Server struct {
	Front     *awsapi.Front
	Settler   *work.Settler
	Clock     Clock
	Faults    Faults
	Snapshots Snapshots
	Recorder  *record.Recorder
	Denials   *Denials
	Platform  Platform
	Mailbox   Mailbox
	// Application is what replays are given to.
	Application Application
	Account     string
	Region      func() string // of the application
	Hosts       []string      // names besides loopback ones by which the cloud is addressed
	machine     clock.Machine
}

// maxBody bounds a request of the API. The largest has a request of the
// application in it, of 10 MB as base64.
const maxBody = 16 << 20

// ServeHTTP answers one request below [Prefix].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.expected(r) {
		refuse(w, http.StatusForbidden, "This address of the platform's own API is not one of its own: "+r.Host)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, "The request could not be read: "+err.Error())
		return
	}
	actor, err := s.Front.Authenticate(r, Service, body)
	if err != nil {
		refuse(w, http.StatusForbidden, text(err))
		return
	}
	if !actor.Principal.IsRoot() {
		refuse(w, http.StatusForbidden, "Only the account's root may use the platform's own API, not "+actor.Principal.String())
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path+"/", Prefix+"mail/"); ok {
		s.mail(w, r, strings.TrimSuffix(rest, "/"))
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path+"/", Prefix+"traces/"); ok {
		s.traces(w, r, strings.TrimSuffix(rest, "/"))
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path+"/", Prefix+"replays/"); ok {
		s.replays(w, r, strings.TrimSuffix(rest, "/"), body)
		return
	}
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, Prefix) {
	case "GET status":
		s.status(w, r)
	case "POST settle":
		s.settle(w, r, body)
	case "GET clock", "POST clock":
		s.clock(w, r, body)
	case "GET faults", "POST faults", "DELETE faults":
		s.faults(w, r, body)
	case "GET snapshots", "POST snapshots", "DELETE snapshots":
		s.snapshots(w, r, body, false)
	case "POST " + LoadPath:
		s.snapshots(w, r, body, true)
	case "POST deploy":
		s.deploy(w, r, body)
	case "GET logs":
		s.logs(w, r)
	case "GET iam/missing":
		missing, denied := s.Denials.Missing()
		if denied == nil {
			denied = []Explicit{}
		}
		answer(w, MissingReport{Missing: missing, Denied: denied})
	case "DELETE iam/missing":
		s.Denials.Forget()
		answer(w, struct{}{})
	default:
		refuse(w, http.StatusNotFound, r.Method+" "+r.URL.Path+" is not part of the platform's API")
	}
}

// expected refuses what a web page of another site made a browser send: a name
// that was rebound to this address, or a foreign origin.
func (s *Server) expected(r *http.Request) bool {
	if !s.ours(r.Host) {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && s.ours(u.Host)
}

func (s *Server) ours(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if ip := net.ParseIP(host); ip != nil {
		return true // an address cannot be rebound
	}
	for _, h := range s.Hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	st, err := s.Platform.Status(r.Context())
	if err != nil {
		refuse(w, http.StatusInternalServerError, text(err))
		return
	}
	answer(w, st)
}

func (s *Server) settle(w http.ResponseWriter, r *http.Request, body []byte) {
	var req SettleRequest
	if err := json.Unmarshal(body, &req); err != nil {
		refuse(w, http.StatusBadRequest, "The request is not JSON: "+err.Error())
		return
	}
	ctx := r.Context()
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = s.machine.WithTimeout(ctx, req.Timeout)
		defer cancel()
	}
	report, err := s.Settler.Settle(ctx, req.Horizon, req.Strict)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		refuse(w, http.StatusInternalServerError, text(err))
		return
	}
	answer(w, reportOf(report))
}

// deploy streams what happens, one JSON object a line.
func (s *Server) deploy(w http.ResponseWriter, r *http.Request, body []byte) {
	var req DeployRequest
	if err := json.Unmarshal(body, &req); err != nil {
		refuse(w, http.StatusBadRequest, "The request is not JSON: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := newLines(w)
	result, err := s.Platform.Deploy(r.Context(), req, func(e DeployEvent) { lines.write(e) })
	last := DeployEvent{Done: true, Result: result}
	if err != nil {
		last.Error = text(err)
		var ps Problems
		if errors.As(err, &ps) {
			last.Problems = ps.Problems()
		}
	}
	lines.write(last)
}

// region is where a request looks.
func (s *Server) region(q url.Values) string {
	if r := q.Get("region"); r != "" {
		return r
	}
	return s.Region()
}

// logs streams the events of one log group: group, since, and follow=1 for those to
// come.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	query := record.LogQuery{Group: record.Stream{Account: s.Account, Region: s.region(q), Group: q.Get("group")}}
	if query.Group.Group == "" {
		refuse(w, http.StatusBadRequest, "group is missing")
		return
	}
	if since := q.Get("since"); since != "" {
		t, err := sinceOf(since, s.Recorder.Now())
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		query.From = clock.At(t)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := newLines(w)
	from := s.Recorder.Logs.End() // before the read: what comes during it is followed
	for e, err := range s.Recorder.Logs.Read(r.Context(), query) {
		if err != nil {
			lines.write(Problem{Message: text(err)})
			return
		}
		if e.Pos.Compare(from) < 0 {
			lines.write(lineOf(e))
		}
	}
	if q.Get("follow") == "" {
		return
	}
	lines.flush()
	for e, err := range s.Recorder.Logs.Follow(r.Context(), query, from) {
		if err != nil {
			return // the client went away, or the cloud stops
		}
		lines.write(lineOf(e))
		lines.flush()
	}
}

func lineOf(e record.LogEvent) LogLine {
	return LogLine{Group: e.Stream.Group, Stream: e.Stream.Name, Time: e.Time.Time(), Message: e.Message}
}

// text is an error as people read it: without the code of a coded one.
func text(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Message
	}
	return err.Error()
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(Problem{Message: message})
}
