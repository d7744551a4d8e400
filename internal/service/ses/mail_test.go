package ses

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/record"
)

// notice is what another service sends by mail.
func notice(subject string) []byte {
	m := email.Message{From: "Notices <no-reply@sns.example>", To: []string{"ana@example.com"}, Subject: subject, Date: began.Time(), Text: "text of " + subject}
	return m.Bytes()
}

// TestMailTo sends mail as other services do: by effects.
func TestMailTo(t *testing.T) {
	b := newBed(t, Options{})
	topic := "arn:aws:sns:eu-west-1:123456789012:topic"
	b.emit(
		delivery.Effect{
			Cell: here, Target: email.MailTo("ana@example.com", "bo@example.com"), ID: "1", Payload: notice("first"), SourceARN: topic, At: began,
			Cause: record.Cause{Trace: record.TraceID{1}, Request: "request"},
		},
		delivery.Effect{Cell: here, Target: email.MailTo("ana@example.com"), ID: "2", Payload: notice("second"), At: began},
		delivery.Effect{Cell: here, Target: email.MailTo("ana@example.com"), Payload: []byte("no message"), At: began, Policy: delivery.Policy{DeadLetter: email.MailTo("dead@example.com")}},
		delivery.Effect{Cell: here, Target: "mailto:nobody", ID: "4", Payload: notice("lost"), At: began},
	)
	b.settle()
	var got []string
	for _, m := range b.mails(Query{}) {
		var to []string
		for _, r := range m.Recipients {
			to = append(to, r.Address+" "+string(r.State))
		}
		got = append(got, fmt.Sprintf("%s | %s | %s | %s | %s", m.From, m.Sender, strings.Join(to, ", "), m.Subject, m.By))
	}
	want := []string{
		"Notices <no-reply@sns.example> | no-reply@sns.example | ana@example.com kept, bo@example.com kept | first | " + topic,
		"Notices <no-reply@sns.example> | no-reply@sns.example | ana@example.com kept | second | ",
	}
	// Effects of different targets come in no order.
	if len(got) == 2 && strings.Contains(got[0], "second") {
		got[0], got[1] = got[1], got[0]
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	m := b.mails(Query{Subject: "first"})[0]
	if m.Request != "request" || !strings.HasPrefix(m.Trace, "01000000") {
		t.Errorf("caused by request %q of trace %q", m.Request, m.Trace)
	}
	if quota := b.try("v1.GetSendQuota", "{}"); !strings.Contains(quota, `"SentLast24Hours":0`) {
		t.Errorf("what others send counts: %s", quota)
	}
}

// TestMailbox finds, opens and deletes mail.
func TestMailbox(t *testing.T) {
	b := newBed(t, Options{})
	for _, to := range []string{"ana@example.com", "bo@example.com", "Cy@example.com"} {
		b.do("v1.SendEmail", `{"Source":"Shop <shop@example.com>","Destination":{"ToAddresses":["`+to+`"]},"Message":{"Subject":{"Data":"For `+to+`"},"Body":{"Text":{"Data":"x"}}}}`, nil)
		if err := b.model.Set(b.model.Now().Add(1e9)); err != nil {
			t.Fatal(err)
		}
	}
	for q, want := range map[Query]int{
		{}: 3, {To: "ana"}: 1, {To: "CY@"}: 1, {To: "example.com"}: 3, {From: "shop"}: 3, {From: "ana"}: 0, {Subject: "for bo"}: 1, {Since: began.Add(1e9)}: 2,
		{Newest: 2}: 2, {Newest: 2, To: "ana"}: 1, {Newest: 9}: 3,
	} {
		if got := len(b.mails(q)); got != want {
			t.Errorf("%+v finds %d mails, want %d", q, got, want)
		}
	}
	if d := cmp.Diff([]string{"identity/shop@example.com 1", "identity/shop@example.com 1", "identity/shop@example.com 1"}, b.mailed); d != "" {
		t.Errorf("metered: %s", d)
	}

	if last := b.mails(Query{Newest: 2}); last[0].Subject != "For bo@example.com" || last[1].Subject != "For Cy@example.com" {
		t.Errorf("the newest are %q and %q", last[0].Subject, last[1].Subject)
	}
	first := b.mails(Query{})[0]
	elsewhere := keyspace.Cell{Account: testAccount, Region: "us-east-1"}
	if _, _, err := b.s.Mail(b.ctx, elsewhere, first.ID); !errors.Is(err, ErrNoMail) {
		t.Errorf("a mail of another region: %v", err)
	}
	if err := b.s.DeleteMail(b.ctx, here, first.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.s.Mail(b.ctx, here, first.ID); !errors.Is(err, ErrNoMail) {
		t.Errorf("a deleted mail: %v", err)
	}
	if err := b.s.DeleteMail(b.ctx, here, first.ID); !errors.Is(err, ErrNoMail) {
		t.Errorf("deleting it again: %v", err)
	}
	if err := b.s.DeleteMails(b.ctx, here); err != nil {
		t.Fatal(err)
	}
	if n := len(b.mails(Query{})); n != 0 {
		t.Errorf("%d mails are left of all", n)
	}
}

// TestLargeMessage keeps a message that is larger than a value of the store, and
// refuses one that is larger than SES takes.
func TestLargeMessage(t *testing.T) {
	b := newBed(t, Options{})
	raw := append([]byte("From: a@example.com\r\nTo: b@example.com\r\nSubject: large\r\n\r\n"), bytes.Repeat([]byte("0123456789abcde\n"), 9<<20/16)...)
	id, err := b.s.submit(b.ctx, opened(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := b.s.Mail(b.ctx, here, id)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(got, raw) && !bytes.HasSuffix(got, raw[bytes.Index(raw, []byte("\r\n\r\n")):]) {
		t.Errorf("%d bytes became %d others", len(raw), len(got))
	}
	raw = append(raw, raw...)
	if _, err := b.s.submit(b.ctx, opened(t, raw)); err == nil || !strings.Contains(err.Error(), "Message length is more than 10485760 bytes long") {
		t.Errorf("%d bytes: %v", len(raw), err)
	}
}

func opened(t *testing.T, raw []byte) *submission {
	var o submission
	if err := o.openRaw(raw, "", nil); err != nil {
		t.Fatal(err)
	}
	return &o
}

// TestFollow sees what is there, and then what comes.
func TestFollow(t *testing.T) {
	b := newBed(t, Options{})
	send := func(subject string) {
		b.do("v1.SendEmail", `{"Source":"shop@example.com","Destination":{"ToAddresses":["ana@example.com"]},"Message":{"Subject":{"Data":"`+subject+`"},"Body":{"Text":{"Data":"x"}}}}`, nil)
	}
	send("1")
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	var got []string
	for m, err := range b.s.Follow(ctx, here, Query{}) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			break
		}
		switch got = append(got, m.Subject); len(got) {
		case 1:
			go func() { send("2"); send("3") }() // they may come before it waits, or while it does
		case 3:
			stop()
		}
	}
	if d := cmp.Diff([]string{"1", "2", "3"}, got); d != "" {
		t.Error(d)
	}
}

// TestLayout holds the keys and rows that are kept.
func TestLayout(t *testing.T) {
	b := newBed(t, Options{})
	b.emit(delivery.Effect{Cell: here, Target: email.MailTo("ana@example.com"), ID: "1", Payload: notice("first"), At: began})
	b.settle()
	b.do("v1.CreateTemplate", `{"Template":{"TemplateName":"t","SubjectPart":"s","TextPart":"{{x}}","HtmlPart":"h"}}`, nil)
	b.do("v2.CreateConfigurationSet", `{"ConfigurationSetName":"c","Tags":[{"Key":"k","Value":"v"}]}`, nil)
	b.do("v2.PutSuppressedDestination", `{"EmailAddress":"gone@example.com","Reason":"COMPLAINT"}`, nil)
	b.do("v1.UpdateAccountSendingEnabled", `{"Enabled":false}`, nil)
	_, err := b.db.Update(b.ctx, func(tx *kv.Tx) error {
		sp := spaceOf(here)
		if err := jsonrow.Set(tx, sp.recipient("0123", "ana@example.com"), &Recipient{Address: "ana@example.com", State: Retrying, Detail: "450 later", Tries: 2, At: began}); err != nil {
			return err
		}
		tx.Add(sp.count(quarterOf(began), attempts), 3)
		return jsonrow.Set(tx, sp.identity("shop.example"), &identity{
			Created: began, Verified: began, Token: "token", Dkim: []string{"a", "b", "c"}, Selector: "s", Set: "c",
			Policies: map[string]string{"p": "{}"}, Tags: map[string]string{"k": "v"},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = b.db.View(b.ctx, func(s *kv.Snap) error {
		for p, err := range s.Scan(spaceOf(here).Range(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			// Which commit it was depends on what else goes on.
			fmt.Fprintf(&out, "%s\n\t%q\n", regexp.MustCompile(`@[0-9]+`).ReplaceAllString(p.Key.String(), "@n"), p.Value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/layout.golden"
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out.String()); d != "" {
		t.Errorf("layout (-want +got):\n%s", d)
	}
}
