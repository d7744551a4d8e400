package awsapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/validate"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// Service is one AWS-compatible API: a model and the handlers of the
// operations that nube implements.
type Service struct {
	Model *schema.Model

	// Endpoint, when set, tells the paths that belong to the service when
	// nothing else in a REST request does (no signature, no host name).
	Endpoint func(path string) bool

	// ValidationCode is the error code of inputs that break the model;
	// "" means ValidationException, or ValidationError in the query protocol.
	ValidationCode string

	// Policies, when set, gives the resource policy of a resource, which takes
	// part in the decision.
	Policies ResourcePolicier

	// Unsigned, when set, tells the operations that a GET without credentials
	// may call, as a link in a message does, of a query protocol: the caller is
	// anonymous, in the front's own account and region, and the operation's
	// access function decides about it.
	Unsigned func(operation string) bool

	// DeniedCode is the error code of a denial where it is not the protocol's
	// usual one.
	DeniedCode string

	// Invalid, when set, is the error of an input that breaks the model, in
	// place of ValidationCode and the sentences of the violations.
	Invalid func(op *schema.Op, violations []string) *fault.Error

	// QueryError, when set, gives the query protocol's code and status of an
	// error for its code in the model: what such answers carry, and the header
	// of JSON answers of a service that is compatible with its older clients.
	QueryError func(code string) (string, int)

	// Form, when set, completes a request of the query protocol by its path.
	Form func(r *http.Request, form url.Values)

	// Checksum makes answers carry X-Amz-Crc32, as DynamoDB's do.
	Checksum bool

	handlers []*handler // by index in Model.Ops; nil where there is none
	reasons  []Reason
	check    *validate.Checker
	routes   func() *routes // REST only, built at the first request
}

// ResourcePolicier gives resource policies; nil without error where a resource
// has none.
type ResourcePolicier interface {
	ResourcePolicy(ctx context.Context, resource arn.ARN) (*policy.Doc, error)
}

type handler struct {
	access func(ctx context.Context, in any) ([]Access, error)
	serve  func(ctx context.Context, in any) (any, error)
	fast   *Codec
}

// Codec decodes and encodes one operation's JSON bodies faster than by
// interpreting the tables. It must agree with them.
type Codec struct {
	Decode func(body []byte, in any) error
	Append func(dst []byte, out any) []byte
}

// NewService returns a service without handlers.
func NewService(m *schema.Model) *Service {
	s := &Service{Model: m, handlers: make([]*handler, len(m.Ops)), check: validate.New(m)}
	s.routes = sync.OnceValue(func() *routes { return newRoutes(m) })
	return s
}

// Access is one permission that a call needs: an action on a resource, and the
// condition keys that the operation adds to the request's own.
type Access struct {
	Action   string  // such as "dynamodb:PutItem"
	Resource arn.ARN // "" means "*"
	Keys     policy.Keys
}

// Handle registers the handler of an operation. access says which permissions
// a call needs, all of which must be granted; nil means the operation's own
// action on every resource. It may return an error in AWS's terms, which is
// then the answer; it must not tell an unauthorised caller what exists.
func Handle[I, O any](s *Service, op schema.TypedOp[I, O], access func(ctx context.Context, in I) ([]Access, error), serve func(ctx context.Context, in I) (O, error)) {
	i := s.index(op.Op)
	if s.handlers[i] != nil {
		panic(fmt.Sprintf("awsapi: %s.%s has two handlers", s.Model.ID, op.Op.Name))
	}
	h := &handler{serve: func(ctx context.Context, in any) (any, error) {
		out, err := serve(ctx, in.(I))
		if err != nil {
			return nil, err
		}
		return out, nil
	}}
	action := s.Model.ID + ":" + op.Op.Name
	h.access = func(context.Context, any) ([]Access, error) { return []Access{{Action: action}}, nil }
	if access != nil {
		h.access = func(ctx context.Context, in any) ([]Access, error) { return access(ctx, in.(I)) }
	}
	s.handlers[i] = h
}

// Open is the access function of operations that any authenticated caller may
// call, such as sts:GetCallerIdentity.
func Open[I any](context.Context, I) ([]Access, error) { return nil, nil }

// Reason is why some of a service's operations are not offered.
type Reason struct {
	Why        string // completes "CreateX is not offered: …"
	Operations []string
}

// NotOffered says why operations that have no handler have none, for their
// answer and for docs/coverage.md.
func (s *Service) NotOffered(why string, operations ...string) {
	for _, name := range operations {
		if op := s.Model.Op(name); op == nil {
			panic(fmt.Sprintf("awsapi: %s has no operation %s", s.Model.ID, name))
		}
	}
	s.reasons = append(s.reasons, Reason{why, operations})
}

// Reasons returns what [Service.NotOffered] was told.
func (s *Service) Reasons() []Reason { return s.reasons }

// reason is why an operation is not offered, or empty.
func (s *Service) reason(op *schema.Op) string {
	for _, r := range s.reasons {
		if slices.Contains(r.Operations, op.Name) {
			return r.Why
		}
	}
	return ""
}

// Fast registers codecs for an operation that is called often.
func Fast[I, O any](s *Service, op schema.TypedOp[I, O], c Codec) {
	s.handlers[s.index(op.Op)].fast = &c
}

func (s *Service) index(op *schema.Op) int {
	for i := range s.Model.Ops {
		if &s.Model.Ops[i] == op {
			return i
		}
	}
	panic(fmt.Sprintf("awsapi: %s is not an operation of %s", op.Name, s.Model.ID))
}

func (s *Service) handler(op *schema.Op) *handler {
	lo, hi := 0, len(s.Model.Ops)
	for lo < hi {
		mid := (lo + hi) / 2
		if s.Model.Ops[mid].Name < op.Name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return s.handlers[lo]
}

// Needs returns the permissions that a call takes: none for one that everybody
// who is known may make. The actor and the scope are those of ctx. It fails for
// an operation without a handler, and where the input is so wrong that nobody
// could be permitted.
func (s *Service) Needs(ctx context.Context, op *schema.Op, in any) ([]Access, error) {
	h := s.handler(op)
	if h == nil {
		return nil, fmt.Errorf("awsapi: %s.%s has no handler", s.Model.ID, op.Name)
	}
	return h.access(ctx, in)
}

// Implemented returns the names of the operations with a handler, in order.
func (s *Service) Implemented() []string {
	var out []string
	for i, h := range s.handlers {
		if h != nil {
			out = append(out, s.Model.Ops[i].Name)
		}
	}
	return out
}
