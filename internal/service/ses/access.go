package ses

import (
	"context"
	"net/mail"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/policy"
)

// Actions, resources and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonses.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
//
// Both API sets have the prefix "ses". Most actions of the first have no
// resource; those of the second have.

// versionKey is the condition key of the API set: "1" or "2".
const versionKey = "ses:apiversion"

// anywhere is the access function of an action without a resource.
func anywhere[I any](version int, action string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(context.Context, I) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "ses:" + action, Keys: policy.KeyMap{versionKey: policy.One(string(rune('0' + version)))}}}, nil
	}
}

// onResource is the access function of an action of the second API set on a
// resource, which of gives without its scope: "template/welcome".
func onResource[I any](action string, of func(I) arn.ARN) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		return []awsapi.Access{{
			Action: "ses:" + action, Resource: awsapi.From(ctx).Scope.Of("ses", string(of(in))), Keys: policy.KeyMap{versionKey: policy.One("2")},
		}}, nil
	}
}

// sends is what a sending operation is judged by.
type sends struct {
	version    string
	action     string
	from       string // as it stands in the request
	identity   string // ARN of another account's, or "" for that of the sender
	feedback   string // where bounces go; "" for the sender
	recipients []string
	template   string
	set        string
}

// access is what it takes to send.
func (s *Service) access(ctx context.Context, o sends) ([]awsapi.Access, error) {
	from, err := mail.ParseAddress(o.from)
	if err != nil {
		from = &mail.Address{Address: o.from} // the operation says what is wrong with it
	}
	feedback := o.feedback
	if feedback == "" {
		feedback = from.Address
	}
	keys := policy.KeyMap{versionKey: policy.One(o.version), "ses:fromaddress": policy.One(from.Address), "ses:feedbackaddress": policy.One(feedback)}
	if from.Name != "" {
		keys["ses:fromdisplayname"] = policy.One(from.Name)
	}
	if len(o.recipients) > 0 {
		keys["ses:recipients"] = policy.Many(plainAll(o.recipients)...)
	}
	scope := awsapi.From(ctx).Scope
	resource := arn.ARN(o.identity)
	if resource == "" {
		name, err := s.identityOf(ctx, from.Address)
		if err != nil {
			return nil, err
		}
		resource = scope.Identity(name)
	}
	need := []awsapi.Access{{Action: "ses:" + o.action, Resource: resource, Keys: keys}}
	if o.template != "" {
		need = append(need, awsapi.Access{Action: "ses:" + o.action, Resource: scope.Of("ses", "template/"+o.template), Keys: keys})
	}
	if o.set != "" {
		need = append(need, awsapi.Access{Action: "ses:" + o.action, Resource: scope.Of("ses", "configuration-set/"+o.set), Keys: keys})
	}
	return need, nil
}

// plainAll are addresses without their names.
func plainAll(list []string) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = bare(a)
	}
	return out
}

// tagKeys adds the condition keys of tags in a request.
func tagKeys(keys policy.KeyMap, tags map[string]string) policy.KeyMap {
	if len(tags) == 0 {
		return keys
	}
	var names []string
	for k, v := range tags {
		keys["aws:requesttag/"+strings.ToLower(k)] = policy.One(v)
		names = append(names, k)
	}
	slices.Sort(names)
	keys["aws:tagkeys"] = policy.Many(names...)
	return keys
}
