package ses

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
)

// Through power cuts and a mail server that fails every mail that was
// acknowledged is in the mailbox, once, with its text, and reaches the mail
// server, whether it was sent by the API or by an effect.
//
// Emitting after the commit instead of in it (mail.go, accept) makes it fail.
func TestNoMailIsLost(t *testing.T) {
	seeds := uint64(5)
	if n, err := strconv.ParseUint(os.Getenv("NUBE_SEEDS"), 10, 64); err == nil {
		seeds = n
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { mailLives(t, seed) })
	}
}

func mailLives(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 11))
	var mu sync.Mutex // guards what follows
	flaky, closed := rand.New(rand.NewPCG(seed, 12)), false
	office := newPostOffice(t, func(command string) string {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(command, "RCPT") && (closed || flaky.IntN(5) == 0) {
			return "451 not now"
		}
		return ""
	})
	// shut is for what a cloud still does after the cut that it does not know of.
	shut := func(is bool) {
		mu.Lock()
		defer mu.Unlock()
		closed = is
	}
	mem := disktest.NewMem()
	now := began
	var sent []string
	const last = 3
	for life := range last + 1 {
		engine, err := pebblekv.Open("kv", pebblekv.Options{FS: mem.FS()})
		if err != nil {
			t.Fatal(err)
		}
		b := makeBed(t, Options{Server: office.server()}, kv.Open(engine), now)
		var crashed *disktest.Mem
		crashAt := r.IntN(20)
		for i := range 20 {
			subject := fmt.Sprint("mail-", life, "-", i)
			if r.IntN(3) == 0 {
				m := email.Message{From: "no-reply@sns.example", To: []string{"ana@example.com"}, Subject: subject, Text: "text of " + subject}
				b.emit(delivery.Effect{Cell: here, Target: email.MailTo("ana@example.com"), ID: subject, Payload: m.Bytes(), At: b.model.Now()})
			} else {
				b.do("v1.SendEmail", `{"Source":"shop@example.com","Destination":{"ToAddresses":["ana@example.com"]},"Message":{"Subject":{"Data":"`+subject+`"},"Body":{"Text":{"Data":"text of `+subject+`"}}}}`, nil)
			}
			sent = append(sent, subject)
			if life < last && i == crashAt {
				shut(true)
				crashed = mem.Crash(r, r.IntN(101))
				break
			}
		}
		if life == last {
			for range 12 { // each a retry of what was refused before
				b.settle()
				if err := b.model.Set(b.model.Now().Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			b.settle()
			checkMailbox(t, b, office, sent)
		}
		now = b.model.Now().Add(time.Minute)
		b.stop()
		shut(false)
		mem = crashed
	}
}

func checkMailbox(t *testing.T, b *bed, office *postOffice, sent []string) {
	t.Helper()
	kept := map[string]int{}
	for _, m := range b.mails(Query{}) {
		kept[m.Subject]++
		_, raw, err := b.s.Mail(b.ctx, here, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		read, err := email.Read(raw)
		if err != nil || read.Text != "text of "+m.Subject {
			t.Errorf("%s has the text %q, %v", m.Subject, raw, err)
		}
		if got := m.Recipients[0]; got.State != Sent {
			t.Errorf("%s is %+v", m.Subject, got)
		}
	}
	office.mu.Lock()
	defer office.mu.Unlock()
	took := map[string]bool{}
	for _, line := range office.took {
		_, subject, _ := cutLast(line, " ")
		took[subject] = true
	}
	for _, subject := range sent {
		if kept[subject] != 1 {
			t.Errorf("%s was acknowledged and is in the mailbox %d times", subject, kept[subject])
		}
		if !took[subject] {
			t.Errorf("%s was acknowledged and never reached the mail server", subject)
		}
	}
	if len(kept) != len(sent) {
		t.Errorf("%d were acknowledged, and there are %d", len(sent), len(kept))
	}
}
