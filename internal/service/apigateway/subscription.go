package apigateway

import (
	"context"
	"net/http"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// subscription is an API key that may call a stage, and the usage plan by which
// it may.
type subscription struct {
	key     *shapes.ApiKey
	plan    *shapes.UsagePlan
	limit   *limit            // of the plan
	methods map[string]*limit // of methods, by /path/METHOD
}

// readSubscriptions finds the keys that may call a stage, by their value.
func readSubscriptions(sn *kv.Snap, sp space, apiID, stage string) (map[string]*subscription, error) {
	plans, err := list[shapes.UsagePlan](sn, sp.usagePlans())
	if err != nil {
		return nil, err
	}
	var out map[string]*subscription
	for _, p := range plans {
		for _, st := range p.ApiStages {
			if value(st.ApiId) != apiID || value(st.Stage) != stage {
				continue
			}
			members, err := list[shapes.UsagePlanKey](sn, sp.planKeys(*p.Id))
			if err != nil {
				return nil, err
			}
			for _, m := range members {
				k, err := jsonrow.Load[shapes.ApiKey](sn, sp.apiKey(*m.Id))
				if err != nil {
					return nil, err
				}
				if k == nil || !value(k.Enabled) {
					continue
				}
				if out == nil {
					out = map[string]*subscription{}
				}
				out[*k.Value] = newSubscription(k, p, st)
			}
		}
	}
	return out, nil
}

func newSubscription(k *shapes.ApiKey, p *shapes.UsagePlan, st shapes.ApiStage) *subscription {
	s := &subscription{key: k, plan: p}
	if p.Throttle != nil {
		s.limit = limitOf(p.Throttle.RateLimit, p.Throttle.BurstLimit)
	}
	for name, t := range st.Throttle {
		if s.methods == nil {
			s.methods = map[string]*limit{}
		}
		s.methods[name] = limitOf(t.RateLimit, t.BurstLimit)
	}
	return s
}

// subscribe finds the key of a request, and takes it from what its usage plan
// allows.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
func (x *exchange) subscribe(ctx context.Context, g *gate) *failure {
	given := x.r.Header.Get("X-Api-Key")
	if x.plan.KeySource == "AUTHORIZER" {
		if given = ""; x.caller != nil {
			given = x.caller.key
		}
	}
	x.say(levelInfo, "Verifying Usage Plan for request: %s. API Key: %s API Stage: %s/%s", x.id, redact(given), x.target.API, x.target.Stage)
	sub := x.plan.keys[given]
	if sub == nil {
		return &failure{"INVALID_API_KEY", http.StatusForbidden, "ForbiddenException", "Forbidden"}
	}
	x.key, x.context = sub, nil
	k := bucketKey{scope: x.target.Scope, api: x.target.API, stage: x.target.Stage, plan: *sub.plan.Id, key: *sub.key.Id}
	if l := sub.methods[g.name]; l != nil {
		k.method = g.name
		if !x.s.buckets.take(k, *l, x.at) {
			return throttled()
		}
		k.method = ""
	}
	// The plan's own limit is over all stages of the plan.
	k.api, k.stage = "", ""
	if sub.limit != nil && !x.s.buckets.take(k, *sub.limit, x.at) {
		return throttled()
	}
	qk, today := quotaKey{x.target.Scope, *sub.plan.Id, *sub.key.Id}, dayOf(x.at)
	if q := sub.plan.Quota; q != nil {
		left, err := x.s.spend(ctx, qk, q, today)
		if err != nil {
			return x.internal("reading a quota", err)
		}
		if !left {
			return &failure{"QUOTA_EXCEEDED", http.StatusTooManyRequests, "LimitExceededException", "Limit Exceeded"}
		}
	}
	if err := x.s.count(ctx, qk, today); err != nil {
		return x.internal("counting a request", err)
	}
	x.say(levelInfo, "Usage Plan check succeeded for API Key %s and API Stage %s/%s", redact(given), x.target.API, x.target.Stage)
	return nil
}

func throttled() *failure {
	return &failure{"THROTTLED", http.StatusTooManyRequests, "TooManyRequestsException", "Too Many Requests"}
}
