package awsapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/sigv4"
)

// maxSigningKeys bounds how many derived keys are remembered: one for each
// credential, day, region and service in use.
const maxSigningKeys = 4096

// authenticate finds out who signed the request and puts the actor into call.
func (f *Front) authenticate(ctx context.Context, r *http.Request, call *Call, t *target, body []byte) error {
	if t.service.Unsigned != nil && t.service.Unsigned(t.name) && r.Method == http.MethodGet && credentialScope(r) == (credential{}) {
		return nil // the call is anonymous, and in the front's own scope
	}
	actor, region, err := f.verify(ctx, r, t.service.Model.Signing, body, dialectOf(t))
	if err != nil {
		return err
	}
	call.Actor = actor
	call.Scope = arn.In(or(region, f.region), or(actor.Account, f.account))
	return nil
}

// dialectOf says how a protocol words failures of signatures.
func dialectOf(t *target) sigv4.Dialect {
	switch t.protocol {
	case schema.QueryXML:
		return sigv4.Query
	case schema.RESTJSON:
		return sigv4.REST
	case schema.RESTXML:
		return sigv4.S3
	}
	return sigv4.JSON
}

// Authenticate tells who signed a request to one of the platform's own
// endpoints, whose signing name is service.
func (f *Front) Authenticate(r *http.Request, service string, body []byte) (Actor, error) {
	a, _, err := f.verify(r.Context(), r, service, body, sigv4.REST)
	return a, err
}

func (f *Front) verify(ctx context.Context, r *http.Request, service string, body []byte, d sigv4.Dialect) (Actor, string, error) {
	req := sigv4.Request{
		Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header,
		ContentLength: r.ContentLength, Body: body, S3: d == sigv4.S3, Service: service,
	}
	auth, err := sigv4.Parse(&req)
	if err != nil {
		return Actor{}, "", refused(err, d)
	}
	var cred Credential
	lookup := func(id string) (secret, token string, err error) {
		var ok bool
		cred, ok, err = f.identities.Key(ctx, id, auth.Token)
		switch {
		case fault.Is(err, "ExpiredToken"):
			return "", "", sigv4.ErrExpiredToken
		case err != nil:
			return "", "", err
		case !ok:
			return "", "", sigv4.ErrUnknownKey
		}
		if cred.Actor.Session != nil {
			// Key has opened the token; whatever it was is the right one.
			return cred.Secret, auth.Token, nil
		}
		return cred.Secret, "", nil
	}
	if _, err := f.verifier.VerifyAuth(&req, auth, lookup, f.now(&auth)); err != nil {
		return Actor{}, "", refused(err, d)
	}
	return cred.Actor, auth.Region, nil
}

// now is the time at which a signature is looked at. Clients sign with the
// machine's time, but how long a presigned URL lives is the model clock's: it is
// as much later than the signature as that has gone since.
//
// A signature says its second and no more. In the second in which somebody moved
// the clock it is taken to come after, so that what was signed just now is good.
func (f *Front) now(auth *sigv4.Auth) time.Time {
	now := f.machine.Now()
	if !auth.Presigned || auth.Time.After(now) {
		return now
	}
	signed := auth.Time.Add(time.Second - 1)
	if signed.After(now) {
		return now
	}
	return signed.Add(f.model.Now().Sub(f.model.When(signed)))
}

// refused puts a failure to verify into the words of the protocol.
func refused(err error, d sigv4.Dialect) error {
	var e *sigv4.Error
	if !errors.As(err, &e) {
		return err
	}
	return fault.New(e.Code(d), "%s", e.Text(d)).With(e.Status(d)).Because(err)
}
