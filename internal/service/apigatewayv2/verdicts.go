package apigatewayv2

import (
	"maps"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
)

// maxVerdicts bounds how many answers of authorizers are kept.
const maxVerdicts = 10_000

// verdictKey is what an authorizer's answer is kept by: everything that it could
// be about. A deployment begins anew.
type verdictKey struct {
	scope                                        arn.Scope
	api, stage, deployment, authorizer, identity string
}

// verdicts keeps what authorizers said, each until its time in the model is over.
type verdicts struct {
	mu  sync.Mutex
	all map[verdictKey]*verdict
}

func (v *verdicts) get(k verdictKey, now clock.Instant) *verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	if a := v.all[k]; a != nil && now < a.expires {
		return a
	}
	return nil
}

// put keeps an answer. When there are too many, first those go whose time is
// over, and if that is not enough all.
func (v *verdicts) put(k verdictKey, a *verdict, now clock.Instant) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.all) >= maxVerdicts {
		maps.DeleteFunc(v.all, func(_ verdictKey, a *verdict) bool { return now >= a.expires })
		if len(v.all) >= maxVerdicts {
			clear(v.all)
		}
	}
	if v.all == nil {
		v.all = map[verdictKey]*verdict{}
	}
	v.all[k] = a
}

// forget forgets what the authorizers of a stage said.
func (v *verdicts) forget(scope arn.Scope, api, stage string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.DeleteFunc(v.all, func(k verdictKey, _ *verdict) bool { return k.scope == scope && k.api == api && k.stage == stage })
}
