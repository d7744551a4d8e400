package apigateway

import (
	"context"
	"maps"
	"sync"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
)

// maxVerdicts bounds how many answers of authorizers are kept.
const maxVerdicts = 10_000

// verdicts keeps what authorizers said, each until its time is over.
type verdicts struct {
	mu  sync.Mutex
	all map[verdictKey]*authorized
}

func (v *verdicts) get(k verdictKey, now clock.Instant) *authorized {
	v.mu.Lock()
	defer v.mu.Unlock()
	if a := v.all[k]; a != nil && now < a.expires {
		return a
	}
	return nil
}

// put keeps an answer. When there are too many, first those go whose time is
// over, and if that is not enough all.
func (v *verdicts) put(k verdictKey, a *authorized, now clock.Instant) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.all) >= maxVerdicts {
		maps.DeleteFunc(v.all, func(_ verdictKey, a *authorized) bool { return now >= a.expires })
		if len(v.all) >= maxVerdicts {
			clear(v.all)
		}
	}
	if v.all == nil {
		v.all = map[verdictKey]*authorized{}
	}
	v.all[k] = a
}

// flush forgets what the authorizers of a stage said.
func (v *verdicts) flush(of func(k verdictKey) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.DeleteFunc(v.all, func(k verdictKey, _ *authorized) bool { return of(k) })
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_FlushStageAuthorizersCache.html
func (s *Service) flushStageAuthorizersCache(ctx context.Context, in *shapes.FlushStageAuthorizersCacheRequest) (*schema.Empty, error) {
	if _, err := s.getStage(ctx, &shapes.GetStageRequest{RestApiId: in.RestApiId, StageName: in.StageName}); err != nil {
		return nil, err
	}
	scope := awsapi.From(ctx).Scope
	s.verdicts.flush(func(k verdictKey) bool { return k.scope == scope && k.api == *in.RestApiId && k.stage == *in.StageName })
	return nil, nil
}
