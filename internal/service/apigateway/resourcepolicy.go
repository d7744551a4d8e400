package apigateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/policy"
)

// parsePolicy reads the resource policy of an API. Its resources may be given in
// short: execute-api:/stage/METHOD/path.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html
func parsePolicy(scope arn.Scope, api, text string) (*policy.Doc, error) {
	var doc any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, badRequest("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.")
	}
	full := string(scope.Execute(api, "", "", ""))
	full = full[:strings.Index(full, api)+len(api)]
	var fill func(v any) any
	fill = func(v any) any {
		switch v := v.(type) {
		case string:
			if rest, ok := strings.CutPrefix(v, "execute-api:/"); ok {
				return full + "/" + rest
			}
		case []any:
			for i := range v {
				v[i] = fill(v[i])
			}
		case map[string]any:
			for name, inner := range v {
				if name == "Resource" || name == "NotResource" || name == "Statement" {
					v[name] = fill(inner)
				}
			}
		}
		return v
	}
	long, err := json.Marshal(fill(doc))
	if err != nil {
		return nil, err
	}
	d, err := policy.Parse(policy.Resource, string(long))
	if err != nil {
		return nil, badRequest("Invalid policy document. Please check the policy syntax and ensure that Principals are valid: %v", err)
	}
	return d, nil
}

// shown is an API as it is answered: its policy as the text of a JSON string
// without the quotes around it, which is what API Gateway returns.
func (a *api) shown() *shapes.RestApi {
	out := a.RestApi
	if value(out.Policy) != "" {
		quoted := strconv.Quote(*out.Policy)
		out.Policy = ptr(quoted[1 : len(quoted)-1])
	}
	return &out
}

// need is the permission that a request takes.
func (x *exchange) need() awsapi.Access {
	return awsapi.Access{Action: "execute-api:Invoke", Resource: x.executeARN()}
}

// called is a context in which permissions are those of the caller.
func (x *exchange) called(ctx context.Context) context.Context {
	return awsapi.With(ctx, &awsapi.Call{
		ID: x.id, Scope: x.target.Scope, Actor: x.actor, SourceIP: x.sourceIP(), UserAgent: x.r.UserAgent(), TLS: x.r.TLS != nil,
	})
}

// permit judges the caller by its own policies, if it has any, and the API's.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
func (x *exchange) permit(ctx context.Context, only func(policy.Decision) bool) *failure {
	ctx, need := x.called(ctx), x.need()
	d, err := x.s.auth.Judge(ctx, need, x.plan.documents()...)
	if err != nil {
		return x.internal("judging the caller", err)
	}
	if d.Allowed() || only != nil && !only(d) {
		return nil
	}
	return x.denied(ctx, need, d)
}

// denied is the answer to a caller whom a policy does not let in; nothing where
// denials are not enforced.
func (x *exchange) denied(ctx context.Context, need awsapi.Access, d policy.Decision) *failure {
	err := x.s.auth.Refuse(ctx, need, d)
	if err == nil {
		return nil
	}
	_, message, _ := strings.Cut(err.Error(), ": ")
	if d.Kind == policy.Resource {
		message, _, _ = strings.Cut(message, " because no ")
		message = strings.TrimSuffix(message, " in a resource-based policy")
	}
	account := x.target.Scope.Account
	masked := "********" + account[max(len(account)-4, 0):]
	resource := need.Resource.String()
	message = strings.Replace(message, resource, strings.Replace(resource, ":"+account+":", ":"+masked+":", 1), 1)
	return accessDenied(message)
}

func accessDenied(message string) *failure {
	return &failure{"ACCESS_DENIED", http.StatusForbidden, "AccessDeniedException", message}
}
