package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// post sends a mail as an application does.
func (c *cloud) post(from, to, subject, text, html string) error {
	body := &types.Body{Text: &types.Content{Data: &text}}
	if html != "" {
		body.Html = &types.Content{Data: &html}
	}
	_, err := sesv2.NewFromConfig(c.config()).SendEmail(context.Background(), &sesv2.SendEmailInput{
		FromEmailAddress: &from, Destination: &types.Destination{ToAddresses: strings.Split(to, ",")},
		Content: &types.EmailContent{Simple: &types.Message{Subject: &types.Content{Data: &subject}, Body: body}},
	})
	return err
}

// sends is the command of scripts that sends mail.
func (c *cloud) sends(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || len(args) > 5 {
		ts.Fatalf("usage: mail FROM TO SUBJECT TEXT [HTML]")
	}
	ts.Check(c.post(args[0], args[1], args[2], args[3], strings.Join(args[4:], "")))
}

// mails is what nube says is in the mailbox.
func (c *cloud) mails(t *testing.T) (list []struct {
	Subject    string
	Recipients []struct{ Address, State string }
}) {
	t.Helper()
	out, code := c.nube("mail", "--output", "json")
	if err := json.Unmarshal([]byte(out), &list); code != 0 || err != nil {
		t.Fatalf("nube mail ended with %d, %v: %s", code, err, out)
	}
	return list
}

// TestMailSurvives: a mail that was accepted is there after kill -9.
//
// Mutation that it finds: a store in memory.
func TestMailSurvives(t *testing.T) {
	data := t.TempDir()
	c := start(t, data, "start")
	for i := range 5 {
		if err := c.post("shop@example.com", "ana@example.com", fmt.Sprint(i), "text", ""); err != nil {
			t.Fatal(err)
		}
	}
	c.kill()
	c = start(t, data, "start")
	if n := len(c.mails(t)); n != 5 {
		t.Errorf("of 5 mails %d are left", n)
	}
	c.stop()
}

// TestFollowMail shows what is there, and each mail as it comes.
func TestFollowMail(t *testing.T) {
	c := start(t, "memory", "start")
	post := func(to, subject string) {
		t.Helper()
		if err := c.post("shop@example.com", to, subject, "text", ""); err != nil {
			t.Fatal(err)
		}
	}
	post("ana@example.com", "before")
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "mail", "--follow", "--to", "ana@", "--output", "json")
	cmd.Env = c.env()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(out)
	for i, want := range []string{"before", "1", "2"} {
		if i > 0 {
			post("bo@example.com", "for somebody else")
			post("ana@example.com", want)
		}
		var m struct{ Subject string }
		if err := lines.Decode(&m); err != nil || m.Subject != want {
			t.Fatalf("mail %q, %v; want %q", m.Subject, err, want)
		}
	}
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
	c.stop()
}

// TestVerifiedSenders: where senders are checked, the way is AWS's: ask, open the
// link in the mail, send.
//
// Mutation that it finds: senders that nobody looks at.
func TestVerifiedSenders(t *testing.T) {
	c := start(t, "memory", "start", "--senders", "verified")
	send := func() error { return c.post("ana@example.com", "bo@example.com", "hello", "text", "") }
	var rejected *types.MessageRejected
	if err := send(); !errors.As(err, &rejected) || !strings.Contains(err.Error(), "Email address is not verified. The following identities failed the check in region US-EAST-1: ana@example.com") {
		t.Fatalf("not verified: %v", err)
	}
	_, err := sesv2.NewFromConfig(c.config()).CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("ana@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	if err := send(); !errors.As(err, &rejected) {
		t.Fatalf("asked for: %v", err)
	}
	links, code := c.nube("mail", "links", "--to", "ana@example.com")
	if code != 0 {
		t.Fatalf("nube mail links ended with %d: %s", code, links)
	}
	resp, err := http.Get(strings.TrimSpace(links))
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the link: %s %s", resp.Status, page)
	}
	if err := send(); err != nil {
		t.Fatalf("verified: %v", err)
	}
	c.stop()
}

// TestMailServer: with --smtp mail goes on to a mail server.
//
// Mutation that it finds: mail that is kept in the mailbox alone.
func TestMailServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	took := make(chan string, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveSMTP(conn, took)
		}
	}()
	c := start(t, "memory", "start", "--smtp", l.Addr().String())
	if err := c.post("shop@example.com", "ana@example.com,nobody@example.com", "hello", "text", ""); err != nil {
		t.Fatal(err)
	}
	c.settle()
	list := c.mails(t)
	if len(list) != 1 || fmt.Sprint(list[0].Recipients) != "[{ana@example.com sent} {nobody@example.com refused}]" {
		t.Fatalf("the mailbox has %+v", list)
	}
	if got := <-took; got != "shop@example.com ana@example.com" {
		t.Errorf("the server took mail %s", got)
	}
	if out, _ := c.nube("mail", "show"); !strings.Contains(out, "nobody@example.com: refused, mail server "+l.Addr().String()+": 550 no such user") {
		t.Errorf("nube mail show:\n%s", out)
	}
	c.stop()
}

// serveSMTP takes mail for all but nobody.
func serveSMTP(conn net.Conn, took chan<- string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 hello\r\n")
	inside := func(line string) string {
		_, line, _ = strings.Cut(line, "<")
		line, _, _ = strings.Cut(line, ">")
		return line
	}
	sender, recipient, text := "", "", false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch {
		case text && line == ".\r\n":
			text = false
			took <- sender + " " + recipient
		case text:
			continue
		case strings.HasPrefix(line, "MAIL"):
			sender = inside(line)
		case strings.HasPrefix(line, "RCPT"):
			if recipient = inside(line); strings.HasPrefix(recipient, "nobody@") {
				fmt.Fprint(conn, "550 no such user\r\n")
				continue
			}
		case strings.HasPrefix(line, "DATA"):
			text = true
			fmt.Fprint(conn, "354 go on\r\n")
			continue
		}
		fmt.Fprint(conn, "250 ok\r\n")
	}
}
