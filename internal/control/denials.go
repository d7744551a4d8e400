package control

import (
	"context"
	"slices"
	"sync"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/policy"
)

// maxDenials bounds how many different missing permissions are remembered.
const maxDenials = 10_000

// Denials remembers each permission that somebody lacked since the start.
// It implements [awsapi.Denials]. Safe for concurrent use.
type Denials struct {
	mu     sync.Mutex
	seen   map[denial]bool
	grants []policy.Grant
	denied []Explicit
}

// denial is what makes two denials the same.
type denial struct {
	principal, action, resource string
}

// Explicit is a permission that a statement denies: no further statement can
// allow it.
type Explicit struct {
	Principal string `json:"principal"`
	Action    string `json:"action"`
	Resource  string `json:"resource"`
	Message   string `json:"message"`
}

// Denied implements [awsapi.Denials].
func (d *Denials) Denied(_ context.Context, a awsapi.Actor, req policy.Request, dec policy.Decision) {
	holder := a.Principal
	if holder.Issuer != "" {
		holder.ARN = holder.Issuer // the role, not one of its sessions
	}
	key := denial{holder.String(), req.Action, req.Resource.String()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[key] || len(d.seen) >= maxDenials {
		return
	}
	if d.seen == nil {
		d.seen = map[denial]bool{}
	}
	d.seen[key] = true
	g, ok := policy.GrantFor(&req, dec)
	if !ok {
		d.denied = append(d.denied, Explicit{Principal: key.principal, Action: key.action, Resource: key.resource, Message: dec.Message(&req)})
		return
	}
	g.Principal = holder
	d.grants = append(d.grants, g)
}

// Missing is what one principal lacks.
type Missing struct {
	Principal  string   `json:"principal"`
	Kind       string   `json:"kind"`       // of the policy into which the statements belong
	Statements []string `json:"statements"` // as JSON
	YAML       []string `json:"yaml"`       // the same, as serverless.yml holds them
}

// Missing returns, for each principal, the fewest statements that would have
// allowed what was denied, and what statements deny.
func (d *Denials) Missing() ([]Missing, []Explicit) {
	d.mu.Lock()
	grants, denied := slices.Clone(d.grants), slices.Clone(d.denied)
	d.mu.Unlock()
	out := []Missing{}
	for _, g := range policy.Merge(grants) {
		who, kind := g.Principal.String(), g.Kind.String()
		i := slices.IndexFunc(out, func(m Missing) bool { return m.Principal == who && m.Kind == kind })
		if i < 0 {
			i = len(out)
			out = append(out, Missing{Principal: who, Kind: kind})
		}
		out[i].Statements = append(out[i].Statements, g.JSON())
		out[i].YAML = append(out[i].YAML, g.YAML())
	}
	return out, denied
}

// Forget empties the memory.
func (d *Denials) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen, d.grants, d.denied = nil, nil, nil
}
