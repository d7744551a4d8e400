package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
)

// mailWords is what the commands that take one mail say of it.
const mailWords = `A mail is named by its id, or by the number that the list gives it: 1 is the
newest that came, which is also the one that is meant when none is named.`

func (a *app) mail() *cobra.Command {
	var q mailQuery
	var follow bool
	c := &cobra.Command{
		Use:   "mail",
		Short: "See the mail that was sent",
		Long: `See the mail that was sent: by SES, by the e-mail subscriptions of SNS, by the
platform itself. All of it is kept in a mailbox; nothing leaves the machine unless
a mail server was given when the cloud was started (--smtp), and then the list
says what became of it.

What was not delivered is marked; "nube mail show" says why, and also whether AWS
would have refused the sender.

EXIT CODES
  0  it is listed, also when there is none`,
		Example: `  nube mail                            everything there is, the newest last
  nube mail --to ana@example.com -f    for one reader, and what comes, until Ctrl-C
  nube mail show                       the newest
  nube mail links --to ana             the links in the newest to ana
  nube mail wait --to ana --subject welcome --timeout 10s
  nube mail --output json | jq -r '.[].subject'`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			if follow {
				err := cl.stream(cmd.Context(), http.MethodGet, "mail", q.values(cl, "follow", "1").Encode(), nil, a.showMailLine)
				if cmd.Context().Err() != nil {
					return nil // Ctrl-C is how one ends it
				}
				return err
			}
			list, err := cl.mails(cmd.Context(), &q)
			if err != nil {
				return err
			}
			return a.showMails(list)
		},
	}
	q.register(c)
	c.Flags().IntVarP(&q.newest, "newest", "n", 0, "no more than the last so many")
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes")
	c.AddCommand(a.mailShow(), a.mailLinks(), a.mailWait(), a.mailDelete())
	return a.remote(c)
}

// mailQuery are the flags that say which mails are wanted.
type mailQuery struct {
	to, from, subject string
	since             time.Duration
	newest            int
}

func (q *mailQuery) register(c *cobra.Command) {
	c.Flags().StringVar(&q.to, "to", "", "only to addresses with this in them")
	c.Flags().StringVar(&q.from, "from", "", "only from senders with this in them")
	c.Flags().StringVar(&q.subject, "subject", "", "only with this in the subject")
	c.Flags().DurationVar(&q.since, "since", 0, "only what is younger than so long")
}

// values are the parameters of a request, with further ones in pairs.
func (q *mailQuery) values(cl *client, more ...string) url.Values {
	v := cl.in(url.Values{})
	for name, value := range map[string]string{"to": q.to, "from": q.from, "subject": q.subject} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.since > 0 {
		v.Set("since", q.since.String()) // by the cloud's clock
	}
	if q.newest > 0 {
		v.Set("newest", strconv.Itoa(q.newest))
	}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// mails lists the mails that are wanted, the oldest first.
func (c *client) mails(ctx context.Context, q *mailQuery) (list []control.Mail, err error) {
	return list, c.controlQuery(ctx, http.MethodGet, "mail", q.values(c).Encode(), &list)
}

// mailID finds the id of a mail that was named as [mailWords] says.
func (c *client) mailID(ctx context.Context, q *mailQuery, given []string) (string, error) {
	n := 1
	if len(given) > 0 {
		var err error
		if n, err = strconv.Atoi(given[0]); err != nil {
			return given[0], nil
		}
	}
	last := *q
	last.newest = n
	list, err := c.mails(ctx, &last)
	if err != nil {
		return "", err
	}
	if n < 1 || n > len(list) {
		return "", fmt.Errorf("there is no mail %d: there are %d", n, len(list))
	}
	return list[len(list)-n].ID, nil
}

func (a *app) mailWait() *cobra.Command {
	var q mailQuery
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "wait",
		Short: "Wait for a mail and show it",
		Long: `Wait until there is a mail that matches, which may have come before, and show the
first.

EXIT CODES
  0  there is one
  4  none came in time`,
		Example: `  nube mail wait --to ana@example.com --subject welcome
  nube mail wait --to ana --timeout 3s --output json | jq -r .text`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			var l control.Letter
			err = cl.controlQuery(cmd.Context(), http.MethodGet, "mail", q.values(cl, "wait", timeout.String()).Encode(), &l)
			var r *refusal
			if errors.As(err, &r) && r.status == http.StatusRequestTimeout {
				return &exitError{exitUnready, err}
			}
			if err != nil {
				return err
			}
			return a.showLetter(&l)
		},
	}
	q.register(c)
	c.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "give up after so long")
	return a.remote(c)
}

func (a *app) mailDelete() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "delete [MAIL]",
		Short: "Delete one mail, or all",
		Long: `Delete one mail, or all. What is on its way to a mail server and was not sent yet
will not be.
A mail is named by its id, or by the number that the list gives it.

EXIT CODES
  0  it is deleted
  1  there is no such mail`,
		Example: `  nube mail delete 1
  nube mail delete --all`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if all == (len(given) > 0) {
				return usage("name one mail, or --all")
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			path := "mail"
			if !all {
				id, err := cl.mailID(cmd.Context(), &mailQuery{}, given)
				if err != nil {
					return err
				}
				path += "/" + url.PathEscape(id)
			}
			return cl.controlQuery(cmd.Context(), http.MethodDelete, path, cl.in(url.Values{}).Encode(), &struct{}{})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "all of them")
	return a.remote(c)
}

// showMails writes a list, numbered so that the newest is 1.
func (a *app) showMails(list []control.Mail) error {
	if a.output == "json" {
		return a.json(list)
	}
	rows := make([][]string, 0, len(list)+1)
	for i := range list {
		m := &list[i]
		rows = append(rows, []string{strconv.Itoa(len(list) - i), m.Time.Format("2006-01-02 15:04:05"), m.From, addressesOf(m), mark(m) + m.Subject})
	}
	if len(rows) == 0 {
		a.note("no mail")
		return nil
	}
	a.table(append([][]string{{"#", "TIME", "FROM", "TO", "SUBJECT"}}, rows...))
	return nil
}

func addressesOf(m *control.Mail) string {
	var to []string
	for _, r := range m.Recipients {
		to = append(to, r.Address)
	}
	if len(to) > 2 {
		to = append(to[:2], fmt.Sprintf("and %d more", len(to)-2))
	}
	return strings.Join(to, ", ")
}

// mark is what the list says of a mail that needs a look.
func mark(m *control.Mail) string {
	switch {
	case m.Failure != "":
		return "[not sent] "
	case slices.ContainsFunc(m.Recipients, func(r control.Recipient) bool {
		return r.State == "refused" || r.State == "expired" || r.State == "bounced" || r.State == "suppressed"
	}):
		return "[undelivered] "
	case slices.ContainsFunc(m.Recipients, func(r control.Recipient) bool { return r.State == "queued" || r.State == "retrying" }):
		return "[sending] "
	}
	return ""
}

// showMailLine writes one mail of a stream.
func (a *app) showMailLine(line []byte) error {
	if a.output == "json" {
		_, err := fmt.Fprintf(a.out, "%s\n", line)
		return err
	}
	var m control.Mail
	if err := json.Unmarshal(line, &m); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s %s -> %s: %s%s\n", paint(a.out, "2", m.Time.Format("2006-01-02 15:04:05")), m.From, addressesOf(&m), mark(&m), m.Subject)
	return err
}
