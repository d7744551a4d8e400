package sns

import (
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// space makes the keys of a cell; see the package's documentation.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "sns", 0)} }

func (s space) topic(name string) kv.Key          { return s.Key().Str("topic").Str(name).Done() }
func (s space) topics() kv.Range                  { return s.Key().Str("topic").Range() }
func (s space) subscription(t, id string) kv.Key  { return s.Key().Str("sub").Str(t).Str(id).Done() }
func (s space) subscriptionsOf(t string) kv.Range { return s.Key().Str("sub").Str(t).Range() }
func (s space) subscriptions() kv.Range           { return s.Key().Str("sub").Range() }
func (s space) token(token string) kv.Key         { return s.Key().Str("token").Str(token).Done() }
func (s space) sequence(t string) kv.Key          { return s.Key().Str("seq").Str(t).Done() }
func (s space) signer() kv.Key                    { return s.Key().Str("signer").Done() }

func (s space) asked(at clock.Instant, token string) kv.Key {
	return s.Key().Str("asked").Int(int64(at)).Str(token).Done()
}

// askedUntil is the tokens that were given out up to an instant.
func (s space) askedUntil(at clock.Instant) kv.Range {
	return kv.Range{Start: s.Key().Str("asked").Range().Start, End: s.Key().Str("asked").Int(int64(at)).Range().End}
}

func (s space) endpoint(t, protocol, endpoint string) kv.Key {
	return s.Key().Str("endpoint").Str(t).Str(protocol).Str(endpoint).Done()
}
func (s space) endpointsOf(t string) kv.Range { return s.Key().Str("endpoint").Str(t).Range() }

func (s space) dedup(t, scope, id string) kv.Key {
	return s.Key().Str("dedup").Str(t).Str(scope).Str(id).Done()
}
func (s space) dedupsOf(t string) kv.Range { return s.Key().Str("dedup").Str(t).Range() }

func (s space) accepted(t string, at clock.Instant, scope, id string) kv.Key {
	return s.Key().Str("accepted").Str(t).Int(int64(at)).Str(scope).Str(id).Done()
}
func (s space) acceptedOf(t string) kv.Range { return s.Key().Str("accepted").Str(t).Range() }

// acceptedUntil is what a topic has accepted up to an instant.
func (s space) acceptedUntil(t string, at clock.Instant) kv.Range {
	return kv.Range{Start: s.acceptedOf(t).Start, End: s.Key().Str("accepted").Str(t).Int(int64(at)).Range().End}
}

// topic is the row of a topic.
type topic struct {
	ID         string // not that of one of the same name before it
	Created    clock.Instant
	Revision   uint64            // counts the changes of the topic and its subscriptions
	Attributes map[string]string `json:",omitempty"` // that were set
	Tags       map[string]string `json:",omitempty"`
	Deleted    int               `json:",omitempty"` // subscriptions that were
}

// subscription is the row of a subscription.
type subscription struct {
	Protocol, Endpoint string
	Owner              string
	Principal          string        `json:",omitempty"` // who subscribed
	Created            clock.Instant // when it was asked for, the last time
	Pending            bool          `json:",omitempty"`
	// Authenticated says that who confirmed it had credentials.
	Authenticated bool `json:",omitempty"`
	// OwnerOnly says that the link in its messages does not end it.
	OwnerOnly  bool              `json:",omitempty"`
	Attributes map[string]string `json:",omitempty"`
}

// tokenLife is how long the link in a confirmation works, and how long a
// subscription waits for it.
//
// https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
const tokenLife = 48 * time.Hour

// expired reports whether nobody has confirmed it in time: it is gone.
func (s *subscription) expired(now clock.Instant) bool {
	return s.Pending && now > s.Created.Add(tokenLife)
}

// token is what the link in a confirmation does.
type token struct {
	Topic, ID string
	At        clock.Instant
	Restore   *subscription `json:",omitempty"` // that was ended by its link
}

// present is the error of a row that must be there: the store's own, and only
// where there is none that it is missing. Clients forget what they are told is
// gone.
func present(ok bool, err error, missing *fault.Error) error {
	if err == nil && !ok {
		return missing
	}
	return err
}
