package ses

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/url"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// Server is a mail server that takes mail for others.
type Server struct {
	address  string // host and port
	tls      bool   // from the first byte
	user     string // empty: nobody in particular
	password string
	machine  clock.Machine
}

// relayScheme is the scheme of targets that are mail servers.
const relayScheme = "smtp"

// ParseServer reads "host:port", "smtp://user:password@host:port", or the same
// with smtps, which is TLS from the first byte. Without a port it is 25, or 465.
func ParseServer(s string) (*Server, error) {
	if !strings.Contains(s, "://") {
		s = relayScheme + "://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	srv := &Server{tls: u.Scheme == "smtps", address: u.Host, user: u.User.Username()}
	srv.password, _ = u.User.Password()
	switch {
	case u.Scheme != relayScheme && !srv.tls:
		return nil, fmt.Errorf("mail server: %q is not HOST:PORT, smtp://… or smtps://…", s)
	case u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "":
		return nil, fmt.Errorf("mail server: %q names no host and port", s)
	case u.Port() == "" && srv.tls:
		srv.address = net.JoinHostPort(u.Hostname(), "465")
	case u.Port() == "":
		srv.address = net.JoinHostPort(u.Hostname(), "25")
	}
	return srv, nil
}

// target is the server as delivery knows it. Credentials are not part of it: it
// is kept and shown.
func (s *Server) target() string { return relayScheme + "://" + s.address }

// How long a connection and all of a conversation may take.
const (
	dialTimeout = 10 * time.Second
	talkTimeout = 2 * time.Minute
)

// send gives the server one message for one recipient.
func (s *Server) send(ctx context.Context, sender, recipient string, raw []byte) error {
	if s == nil {
		// Not for good: the next start may name one again.
		return errors.New("this cloud was started without a mail server")
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", s.address, err)
	}
	defer conn.Close()
	// The conversation ends when ctx does, from the greeting on: closing is all
	// that net/smtp obeys.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c, err := s.greet(conn)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", s.address, err)
	}
	defer c.Close()
	for _, step := range []func() error{
		func() error { return c.Mail(sender) },
		func() error { return c.Rcpt(recipient) },
		func() error { return data(c, raw) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("mail server %s: %w", s.address, said(err))
		}
	}
	c.Quit() // it has taken the message; how it says good-bye does not matter
	return nil
}

// dial connects to the server.
func (s *Server) dial(ctx context.Context) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(s.machine.Now().Add(talkTimeout)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// greet begins a conversation: encrypted where the server offers it, as the user
// if there is one.
func (s *Server) greet(conn net.Conn) (*smtp.Client, error) {
	host, _, err := net.SplitHostPort(s.address)
	if err != nil {
		return nil, err
	}
	secure := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.tls {
		conn = tls.Client(conn, secure)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, err
	}
	if offered, _ := c.Extension("STARTTLS"); offered && !s.tls {
		if err := c.StartTLS(secure); err != nil {
			return nil, err
		}
	}
	if s.user != "" {
		if err := c.Auth(smtp.PlainAuth("", s.user, s.password, host)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// data sends the text of the message.
func data(c *smtp.Client, raw []byte) error {
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(raw); err != nil {
		return err
	}
	return w.Close()
}
