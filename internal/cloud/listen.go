package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/service/ses"
	"github.com/nube-run/nube/internal/service/sns"
)

// listeners are the cloud's ports, bound before anything else.
type listeners struct {
	aws, gateway net.Listener
	otlp         net.Listener // nil without a receiver of telemetry
	servers      []*http.Server
	unused       sync.Map // net.Conn that has sent nothing yet
}

func (c *Cloud) listen() (*listeners, error) {
	ls := &listeners{}
	var err error
	if ls.aws, err = net.Listen("tcp", c.opts.Listen); err != nil {
		return nil, fmt.Errorf("the AWS endpoint: %w; --listen chooses another address", err)
	}
	if ls.gateway, err = net.Listen("tcp", c.opts.Gateway); err != nil {
		return nil, errors.Join(fmt.Errorf("the gateway: %w; --gateway chooses another address", err), ls.aws.Close())
	}
	if ls.otlp, err = c.listenOTLP(); err != nil {
		return nil, errors.Join(err, ls.aws.Close(), ls.gateway.Close())
	}
	return ls, nil
}

// headerTimeout bounds how long a client may take to send a request's headers.
const headerTimeout = 30 * time.Second

// serve begins to answer: connections made before waited in the listeners'
// queues.
func (ls *listeners) serve(aws, gateway, otlp http.Handler) {
	for _, s := range []struct {
		l net.Listener
		h http.Handler
	}{{ls.aws, aws}, {ls.gateway, gateway}, {ls.otlp, otlp}} {
		if s.l == nil {
			continue
		}
		srv := &http.Server{Handler: s.h, ReadHeaderTimeout: headerTimeout, ConnState: ls.note}
		ls.servers = append(ls.servers, srv)
		go srv.Serve(s.l)
	}
}

// note keeps the connections on which nothing has come: browsers and pools open
// them ahead, and a server that shuts down would wait seconds for each.
func (ls *listeners) note(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		ls.unused.Store(c, nil)
	} else {
		ls.unused.Delete(c)
	}
}

// close stops listening and waits for the requests under way.
func (ls *listeners) close(ctx context.Context) error {
	if len(ls.servers) == 0 {
		err := errors.Join(ls.aws.Close(), ls.gateway.Close())
		if ls.otlp != nil {
			err = errors.Join(err, ls.otlp.Close())
		}
		return err
	}
	ls.unused.Range(func(c, _ any) bool {
		c.(net.Conn).Close()
		return true
	})
	var errs []error
	for _, s := range ls.servers {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// handlers are what answers on the ports.
func (c *Cloud) handlers() (aws, gateway, otlp http.Handler) {
	edge := c.parts.edge
	c.api = &control.Server{
		Front: c.front, Settler: c.settler, Clock: c.clock, Faults: faults{c.faults, !c.place.temp}, Snapshots: snapshots{c}, Recorder: c.recorder, Denials: c.parts.denials, Platform: c, Mailbox: mailbox{c.parts.ses}, Account: c.opts.Account,
		Region: func() string { return edge.Scope().Region },
	}
	aws = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, control.Prefix) {
			c.api.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == ses.LinkPath {
			c.parts.ses.ServeLink(w, r)
			return
		}
		if t, ok := edge.Find(r); ok {
			edge.Serve(w, r, t)
			return
		}
		if sns.IsCertificate(r) {
			c.parts.sns.ServeCertificate(w, r)
			return
		}
		c.front.ServeHTTP(w, r)
	})
	gateway = c.faults.Gateway(edge.Gateway(), c.recorder)
	c.api.Application = replayed{c, aws, gateway}
	return aws, gateway, c.receiver()
}
