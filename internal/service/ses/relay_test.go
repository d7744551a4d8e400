package ses

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// postOffice is a mail server that answers as answer says, which is asked before
// each command: "" for the usual, or a whole answer.
type postOffice struct {
	t      *testing.T
	l      net.Listener
	answer func(command string) string

	mu   sync.Mutex
	took []string // "sender recipient subject"
}

func newPostOffice(t *testing.T, answer func(string) string) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{t: t, l: l, answer: answer}
	var talks sync.WaitGroup
	talks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			talks.Go(func() { p.talk(c) })
		}
	})
	t.Cleanup(func() { l.Close(); talks.Wait() })
	return p
}

func (p *postOffice) server() *Server {
	s, err := ParseServer(p.l.Addr().String())
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// talk is one conversation, as RFC 5321 has it.
func (p *postOffice) talk(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	say := func(s string) { fmt.Fprintf(c, "%s\r\n", s) }
	say("220 post office")
	var sender, recipient string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		if a := p.answer(line); a != "" {
			say(a)
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(word) {
		case "EHLO", "HELO":
			say("250-post office\r\n250 8BITMIME")
			continue
		case "MAIL":
			sender = address(rest)
		case "RCPT":
			recipient = address(rest)
		case "DATA":
			say("354 go on")
			subject := ""
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if s, ok := strings.CutPrefix(line, "Subject: "); ok {
					subject = strings.TrimSpace(s)
				}
				if line == ".\r\n" {
					break
				}
			}
			p.mu.Lock()
			p.took = append(p.took, sender+" "+recipient+" "+subject)
			p.mu.Unlock()
		case "QUIT":
			say("221 bye")
			return
		}
		say("250 ok")
	}
}

func address(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

const twoReaders = `{"Source":"shop@example.com","ReturnPath":"bounces@example.com","Destination":{"ToAddresses":["ana@example.com","bo@example.com"]},"Message":{"Subject":{"Data":"hello"},"Body":{"Text":{"Data":"x\n.\nline"}}}}`

func states(m Mail) (out []string) {
	for _, r := range m.Recipients {
		out = append(out, fmt.Sprintf("%s %s %d %s", r.Address, r.State, r.Tries, r.Detail))
	}
	return out
}

// TestRelay takes mail to the mail server, once for each recipient.
func TestRelay(t *testing.T) {
	p := newPostOffice(t, func(string) string { return "" })
	b := newBed(t, Options{Server: p.server()})
	b.do("v1.SendEmail", twoReaders, nil)
	b.settle()
	if d := cmp.Diff([]string{"ana@example.com sent 1 ", "bo@example.com sent 1 "}, states(b.mails(Query{})[0])); d != "" {
		t.Error(d)
	}
	if len(p.took) != 2 || !strings.HasPrefix(p.took[0], "bounces@example.com ") || !strings.HasSuffix(p.took[1], " hello") {
		t.Errorf("the server took %q", p.took)
	}
	// What is suppressed, simulated or could not be rendered stays.
	b.do("v2.PutSuppressedDestination", `{"EmailAddress":"gone@example.com","Reason":"BOUNCE"}`, nil)
	b.do("v1.SendEmail", `{"Source":"shop@example.com","Destination":{"ToAddresses":["gone@example.com","bounce@simulator.amazonses.com"]},"Message":{"Subject":{"Data":"x"},"Body":{"Text":{"Data":"x"}}}}`, nil)
	b.do("v1.CreateTemplate", `{"Template":{"TemplateName":"t","SubjectPart":"{{x}}","TextPart":"x"}}`, nil)
	b.do("v1.SendTemplatedEmail", `{"Source":"shop@example.com","Destination":{"ToAddresses":["ana@example.com"]},"Template":"t","TemplateData":"{}"}`, nil)
	b.settle()
	if len(p.took) != 2 {
		t.Errorf("the server took %q", p.took[2:])
	}
}

// TestRelayRetries: what the server does not take now is tried again for one
// recipient alone; what it refuses is not.
func TestRelayRetries(t *testing.T) {
	var mu sync.Mutex
	busy := 2
	p := newPostOffice(t, func(command string) string {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.HasPrefix(command, "RCPT TO:<bo@"):
			return "550 no such user"
		case strings.HasPrefix(command, "RCPT TO:<ana@") && busy > 0:
			busy--
			return "450 come back later"
		}
		return ""
	})
	b := newBed(t, Options{Server: p.server()})
	b.do("v1.SendEmail", twoReaders, nil)
	b.settle()
	prefix := "mail server " + p.l.Addr().String() + ": "
	want := []string{"ana@example.com retrying 1 " + prefix + "450 come back later", "bo@example.com refused 1 " + prefix + "550 no such user"}
	if d := cmp.Diff(want, states(b.mails(Query{})[0])); d != "" {
		t.Error(d)
	}
	for range 2 {
		if err := b.model.Set(b.model.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		b.settle()
	}
	want[0] = "ana@example.com sent 3 "
	if d := cmp.Diff(want, states(b.mails(Query{})[0])); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"bounces@example.com ana@example.com hello"}, p.took); d != "" {
		t.Error(d)
	}
	var stats v1.GetSendStatisticsResponse
	b.do("v1.GetSendStatistics", `{}`, &stats)
	var tried, bounced int64
	for _, p := range stats.SendDataPoints {
		tried, bounced = tried+*p.DeliveryAttempts, bounced+*p.Bounces
	}
	if tried != 2 || bounced != 1 {
		t.Errorf("%d attempts and %d bounces are counted, want 2 and 1", tried, bounced)
	}
}

// TestRelayGivesUp: a mail that the server does not take in time is shown as one
// that nobody tries to send any more, and its configuration set is told.
func TestRelayGivesUp(t *testing.T) {
	p := newPostOffice(t, func(command string) string {
		if strings.HasPrefix(command, "RCPT") {
			return "450 come back later"
		}
		return ""
	})
	b := newBed(t, Options{Server: p.server()})
	b.do("v2.CreateConfigurationSet", `{"ConfigurationSetName":"c"}`, nil)
	b.do("v2.CreateConfigurationSetEventDestination", `{"ConfigurationSetName":"c","EventDestinationName":"d","EventDestination":{"Enabled":true,`+
		`"MatchingEventTypes":["BOUNCE"],"SnsDestination":{"TopicArn":"arn:aws:sns:eu-west-1:123456789012:t"}}}`, nil)
	b.do("v1.SendEmail", `{"Source":"shop@example.com","ConfigurationSetName":"c","Destination":{"ToAddresses":["ana@example.com"]},"Message":{"Subject":{"Data":"x"},"Body":{"Text":{"Data":"x"}}}}`, nil)
	b.settle()
	for range 2 { // to the last try, and past the end
		if err := b.model.Set(b.model.Now().Add(retryFor)); err != nil {
			t.Fatal(err)
		}
		b.settle()
	}
	m := b.mails(Query{})[0]
	if r := m.Recipients[0]; r.State != Expired || r.Tries == 0 || !strings.HasSuffix(r.Detail, "450 come back later") {
		t.Errorf("%+v", r)
	}
	if d := cmp.Diff([]string{"t Bounce ana@example.com General"}, b.topics.take(t)); d != "" {
		t.Error(d)
	}
}

// TestServerThatSaysNothing: a conversation ends with its context, though the server
// has not greeted yet.
func TestServerThatSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		cancel()
		io.Copy(io.Discard, c) // until the client goes
	}()
	s, err := ParseServer(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	began := clock.Machine{}.Now()
	if err := s.send(ctx, "a@example.com", "b@example.com", nil); err == nil {
		t.Error("it was sent")
	}
	if took := (clock.Machine{}).Since(began); took > talkTimeout/2 {
		t.Errorf("it took %v", took)
	}
}

// TestRelayAfterDeletion: a mail that was deleted goes nowhere.
func TestRelayAfterDeletion(t *testing.T) {
	p := newPostOffice(t, func(command string) string {
		if strings.HasPrefix(command, "MAIL") {
			return "421 closed"
		}
		return ""
	})
	b := newBed(t, Options{Server: p.server()})
	b.do("v1.SendEmail", twoReaders, nil)
	b.settle()
	if err := b.s.DeleteMails(b.ctx, here); err != nil {
		t.Fatal(err)
	}
	p.answer = func(string) string { return "" }
	if err := b.model.Set(b.model.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.settle()
	if len(p.took) > 0 || len(b.mails(Query{})) > 0 {
		t.Errorf("the server took %q, the mailbox has %d", p.took, len(b.mails(Query{})))
	}
}

// TestRelayWithoutServer: what waited for a mail server when the cloud was stopped
// waits on where it is started without one.
func TestRelayWithoutServer(t *testing.T) {
	p := newPostOffice(t, func(string) string { return "" })
	server := p.server()
	b := newBed(t, Options{})
	b.s.Server = server // as it was when the mail came
	_, err := b.db.Update(b.ctx, func(tx *kv.Tx) error {
		l := &letter{raw: notice("x"), Mail: Mail{ID: "1", At: began, Sender: "a@example.com", Recipients: []Recipient{{Address: "ana@example.com"}}}}
		err := b.s.accept(tx, here, l)
		b.s.Server = nil
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.settle()
	if d := cmp.Diff([]string{"ana@example.com retrying 1 this cloud was started without a mail server"}, states(b.mails(Query{})[0])); d != "" {
		t.Error(d)
	}
	b.s.Server = server
	if err := b.model.Set(b.model.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.settle()
	if d := cmp.Diff([]string{"ana@example.com sent 2 "}, states(b.mails(Query{})[0])); d != "" {
		t.Error(d)
	}
}

func TestParseServer(t *testing.T) {
	for text, want := range map[string]Server{
		"localhost:1025":                  {address: "localhost:1025"},
		"mail.example.com":                {address: "mail.example.com:25"},
		"smtp://ana:s%3Acret@[::1]:2525/": {address: "[::1]:2525", user: "ana", password: "s:cret"},
		"smtps://mail.example.com":        {address: "mail.example.com:465", tls: true},
	} {
		got, err := ParseServer(text)
		if err != nil || *got != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", ":25", "http://x:1", "smtp://", "smtp://x/path", "smtp://x?y=1", "smtp://%"} {
		if got, err := ParseServer(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

// handed notes the effects that are emitted.
type handed struct {
	Emitter
	effects []delivery.Effect
}

func (h *handed) Emit(tx *kv.Tx, es ...delivery.Effect) error {
	h.effects = append(h.effects, es...)
	return h.Emitter.Emit(tx, es...)
}

// TestRelayActor: a mail goes to the mail server as whoever sent it, and of a
// session with its role, which the session's own ARN does not tell.
//
// Mutation: caused without Issuer.
func TestRelayActor(t *testing.T) {
	b := newBed(t, Options{Server: newPostOffice(t, func(string) string { return "" }).server()})
	out := &handed{Emitter: b.s.Emit}
	b.s.Emit = out
	const session, role = "arn:aws:sts::123456789012:assumed-role/mailer/fn", "arn:aws:iam::123456789012:role/team/mailer"
	b.ctx = awsapi.With(b.ctx, &awsapi.Call{ID: "request", Scope: arn.In(testRegion, testAccount), Actor: awsapi.Actor{
		Account: testAccount, UserID: "AROAX:fn", Principal: policy.Principal{ARN: session, Issuer: role},
	}})
	b.do("v1.SendEmail", twoReaders, nil)
	b.settle()
	if len(out.effects) != 2 {
		t.Fatalf("%d effects, want 2", len(out.effects))
	}
	want := delivery.ActorRef{Account: testAccount, ARN: session, Issuer: role, UserID: "AROAX:fn"}
	for _, e := range out.effects {
		if d := cmp.Diff(want, e.Actor); d != "" {
			t.Error(d)
		}
	}
}
