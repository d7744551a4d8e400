package control

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/mail"
	"strconv"
	"strings"
	"time"
)

// Mail is a message in the mailbox, without its text.
type Mail struct {
	ID               string            `json:"id"`
	Time             time.Time         `json:"time"` // model time at which it was accepted
	From             string            `json:"from"`
	Sender           string            `json:"sender"` // of the envelope
	To               []string          `json:"to"`
	Cc               []string          `json:"cc,omitempty"`
	Bcc              []string          `json:"bcc,omitempty"`
	Subject          string            `json:"subject"`
	Size             int               `json:"size"`
	Attachments      int               `json:"attachments"`
	By               string            `json:"by,omitempty"` // ARN of who sends
	Template         string            `json:"template,omitempty"`
	ConfigurationSet string            `json:"configurationSet,omitempty"`
	Tags             map[string]string `json:"tags,omitempty"`
	Unverified       []string          `json:"unverified,omitempty"` // senders that AWS would refuse
	Failure          string            `json:"failure,omitempty"`    // why it was accepted and not sent
	Request          string            `json:"request,omitempty"`
	Trace            string            `json:"trace,omitempty"`
	Recipients       []Recipient       `json:"recipients"`
}

// Recipient is what became of one recipient of a mail: kept, queued, sent,
// retrying, refused, expired, bounced, suppressed or unsent.
type Recipient struct {
	Address string `json:"address"`
	State   string `json:"state"`
	Detail  string `json:"detail,omitempty"`
	Tries   int    `json:"tries,omitempty"`
}

// Letter is a mail that was opened.
type Letter struct {
	Mail
	Header mail.Header `json:"header"`
	Text   string      `json:"text,omitempty"`
	HTML   string      `json:"html,omitempty"`
	Files  []MailFile  `json:"files,omitempty"`
	Raw    []byte      `json:"-"`
}

// MailFile is an attachment; the API gives its data at mail/ID/files/N.
type MailFile struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	ContentID string `json:"contentId,omitempty"`
	Size      int    `json:"size"`
	Data      []byte `json:"-"`
}

// MailQuery says which mails are wanted: parts of what they have, in any case.
type MailQuery struct {
	To, From, Subject string
	Since             time.Time
	Newest            int // no more than the last so many; 0: all
}

// ErrNoMail is returned for a mail that is not in the mailbox.
var ErrNoMail = errors.New("there is no such mail in the mailbox")

// Mailbox is where all mail of the cloud is.
type Mailbox interface {
	Mails(ctx context.Context, account, region string, q MailQuery) ([]Mail, error)
	// Follow returns what is there, and then what comes until ctx ends.
	Follow(ctx context.Context, account, region string, q MailQuery) iter.Seq2[Mail, error]
	Mail(ctx context.Context, account, region, id string) (Letter, error)
	// Delete deletes one mail, or all of them where id is empty.
	Delete(ctx context.Context, account, region, id string) error
}

// mail answers what lies below mail:
//
//	GET    mail              all that match to, from, subject and since, or the newest=N of them
//	GET    mail?follow=1     the same as lines, and then those that come
//	GET    mail?wait=10s     the first that matches, which may be still to come; 408 when none does
//	GET    mail/ID           one, opened
//	GET    mail/ID/raw       as it was sent
//	GET    mail/ID/files/N   an attachment, counted from 0
//	DELETE mail[/ID]         one, or all
func (s *Server) mail(w http.ResponseWriter, r *http.Request, rest string) {
	q := r.URL.Query()
	region := s.region(q)
	id, part, _ := strings.Cut(rest, "/")
	switch {
	case r.Method == http.MethodDelete && part == "":
		if err := s.Mailbox.Delete(r.Context(), s.Account, region, id); err != nil {
			refuseMail(w, err)
			return
		}
		answer(w, struct{}{})
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, r.Method+" is nothing that can be done with mail")
	case id != "":
		s.letter(w, r, region, id, part)
	default:
		s.mails(w, r, region)
	}
}

// mails answers lists.
func (s *Server) mails(w http.ResponseWriter, r *http.Request, region string) {
	q := r.URL.Query()
	want := MailQuery{To: q.Get("to"), From: q.Get("from"), Subject: q.Get("subject")}
	if since := q.Get("since"); since != "" {
		var err error
		if want.Since, err = sinceOf(since, s.Recorder.Now()); err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
	}
	if newest := q.Get("newest"); newest != "" {
		var err error
		if want.Newest, err = strconv.Atoi(newest); err != nil || want.Newest < 1 {
			refuse(w, http.StatusBadRequest, "newest is not how many: "+newest)
			return
		}
	}
	switch {
	case q.Get("wait") != "":
		s.waitForMail(w, r, region, want, q.Get("wait"))
	case q.Get("follow") != "":
		w.Header().Set("Content-Type", "application/x-ndjson")
		lines := newLines(w)
		lines.flush()
		for m, err := range s.Mailbox.Follow(r.Context(), s.Account, region, want) {
			if err != nil {
				return // the client went away, or the cloud stops
			}
			lines.write(m)
		}
	default:
		list, err := s.Mailbox.Mails(r.Context(), s.Account, region, want)
		if err != nil {
			refuseMail(w, err)
			return
		}
		answer(w, list)
	}
}

// waitForMail answers with the first mail that matches.
func (s *Server) waitForMail(w http.ResponseWriter, r *http.Request, region string, want MailQuery, wait string) {
	d, err := time.ParseDuration(wait)
	if err != nil || d <= 0 {
		refuse(w, http.StatusBadRequest, "wait is not a duration such as 10s: "+wait)
		return
	}
	ctx, cancel := s.machine.WithTimeout(r.Context(), d)
	defer cancel()
	for m, err := range s.Mailbox.Follow(ctx, s.Account, region, want) {
		switch {
		case err == nil:
			s.letter(w, r, region, m.ID, "")
		case errors.Is(err, context.DeadlineExceeded):
			refuse(w, http.StatusRequestTimeout, "no such mail came within "+wait)
		default:
			refuseMail(w, err)
		}
		return
	}
}

// letter answers one mail, or a part of it.
func (s *Server) letter(w http.ResponseWriter, r *http.Request, region, id, part string) {
	l, err := s.Mailbox.Mail(r.Context(), s.Account, region, id)
	if err != nil {
		refuseMail(w, err)
		return
	}
	number, isFile := strings.CutPrefix(part, "files/")
	switch n, err := strconv.Atoi(number); {
	case part == "":
		answer(w, l)
	case part == "raw":
		w.Header().Set("Content-Type", "message/rfc822")
		w.Write(l.Raw)
	case isFile && err == nil && n >= 0 && n < len(l.Files):
		// Never shown by a browser in the platform's own origin.
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Write(l.Files[n].Data)
	default:
		refuse(w, http.StatusNotFound, "the mail "+id+" has no "+part)
	}
}

func refuseMail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, ErrNoMail) {
		status = http.StatusNotFound
	}
	refuse(w, status, text(err))
}
