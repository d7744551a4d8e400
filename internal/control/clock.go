package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/work"
)

// Clock is the cloud's model clock with whatever keeps its state.
type Clock interface {
	Now() (at clock.Instant, stopped bool)
	Stop(ctx context.Context) error
	Run(ctx context.Context) error
	// Set moves the clock at once: what is due in between is then late.
	Set(ctx context.Context, to clock.Instant) error
	// Advance moves it from one due to the next and lets the cloud settle at
	// each. It returns the look at the end, and when ctx ends first the last one
	// and ctx's error.
	Advance(ctx context.Context, to clock.Instant) (work.Report, error)
}

// ClockRequest asks to move the clock.
type ClockRequest struct {
	Do      string        `json:"do"`                // stop, run, set or advance
	To      time.Time     `json:"to,omitzero"`       // of set and advance
	By      time.Duration `json:"by,omitempty"`      // of set and advance, in place of To; nanoseconds
	Timeout time.Duration `json:"timeout,omitempty"` // of advance; nanoseconds, 0 waits as long as it takes
}

// ClockReport is what the clock shows.
type ClockReport struct {
	Now       time.Time     `json:"now"`
	Stopped   bool          `json:"stopped"`
	Next      *time.Time    `json:"next,omitempty"`      // the earliest one-shot in the future
	Recurring *time.Time    `json:"recurring,omitempty"` // the earliest of what recurs
	Reached   bool          `json:"reached"`             // advance came to where it should; true of everything else
	Settled   *SettleReport `json:"settled,omitempty"`   // at the end of an advance
}

// clock answers GET clock and POST clock.
func (s *Server) clock(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method == http.MethodGet {
		s.showClock(w, r, ClockReport{Reached: true})
		return
	}
	var req ClockRequest
	if err := json.Unmarshal(body, &req); err != nil {
		refuse(w, http.StatusBadRequest, "The request is not JSON: "+err.Error())
		return
	}
	report, err := s.moveClock(r.Context(), req)
	switch {
	case errors.Is(err, errClockRequest), errors.Is(err, clock.ErrBackwards):
		refuse(w, http.StatusBadRequest, text(err))
	case err != nil:
		refuse(w, http.StatusInternalServerError, text(err))
	default:
		s.showClock(w, r, report)
	}
}

var errClockRequest = errors.New("the clock cannot do that")

func (s *Server) moveClock(ctx context.Context, req ClockRequest) (ClockReport, error) {
	done := ClockReport{Reached: true}
	now, _ := s.Clock.Now()
	to := now.Add(req.By)
	if !req.To.IsZero() {
		to = clock.At(req.To)
	}
	switch req.Do {
	case "stop":
		return done, s.Clock.Stop(ctx)
	case "run":
		return done, s.Clock.Run(ctx)
	case "set":
		return done, s.Clock.Set(ctx, to)
	case "advance":
		if to < now {
			return done, fmt.Errorf("%w: it is %s, asked for %s", clock.ErrBackwards, now, to)
		}
	default:
		return done, fmt.Errorf("%w: %q; it can stop, run, set and advance", errClockRequest, req.Do)
	}
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = s.machine.WithTimeout(ctx, req.Timeout)
		defer cancel()
	}
	report, err := s.Clock.Advance(ctx, to)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		done.Reached, err = false, nil
	}
	settled := reportOf(report)
	done.Settled = &settled
	return done, err
}

// showClock answers with a report and what the clock shows now.
func (s *Server) showClock(w http.ResponseWriter, r *http.Request, report ClockReport) {
	at, stopped := s.Clock.Now()
	report.Now, report.Stopped = at.Time(), stopped
	look, err := s.Settler.Look(r.Context(), 0, false)
	if err != nil {
		refuse(w, http.StatusInternalServerError, text(err))
		return
	}
	due := reportOf(look)
	report.Next, report.Recurring = due.Next, due.Recurring
	answer(w, report)
}
