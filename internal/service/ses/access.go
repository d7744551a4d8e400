package ses

import (
	"context"
	"maps"
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
//
//go:noinline
func anywhere[I any](version int, action string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(context.Context, I) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "ses:" + action, Keys: policy.KeyMap{versionKey: policy.One(string(rune('0' + version)))}}}, nil
	}
}

// onResource is the access function of an action of the second API set on a
// resource, which of gives without its scope: "template/welcome".
//
//go:noinline
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
	identity   string // ARN of the identity that covers it, or "" for the account's own
	author     sender // of a raw message's From field, where that is another
	feedback   sender // where bounces go; "" for the sender
	recipients []string
	template   string
	set        string
}

// sender is an address that a message is sent from, and the ARN of the identity by
// which that is permitted, where the request names one.
type sender struct{ address, identity string }

// identity is the ARN of the identity by which an address may be used. One that
// is named must cover the address: it is no way around the address's own.
//
// https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-delegate-sender-tasks-email.html
func (s *Service) identity(ctx context.Context, o sender) (arn.ARN, error) {
	address := bare(o.address)
	if o.identity == "" {
		name, err := s.identityOf(ctx, address)
		return awsapi.From(ctx).Scope.Identity(name), err
	}
	a := arn.ARN(o.identity)
	if name, ok := strings.CutPrefix(a.Resource(), "identity/"); !ok || a.Service() != "ses" || !slices.Contains(candidates(address), normal(name)) {
		return "", invalid("The identity <%s> does not cover the address <%s>.", a, address)
	}
	return a, nil
}

// identities are the ARNs that a raw message and its request name of the sender and
// of the author, who may be the same.
func (r *raw) identities(sender, senderARN, authorARN string) (ofSender, ofAuthor string) {
	ofSender, ofAuthor = or(senderARN, r.sourceARN), or(authorARN, r.fromARN)
	if sender == "" || bare(sender) == bare(r.from) {
		ofSender = or(ofSender, ofAuthor)
	}
	return ofSender, ofAuthor
}

// access is what it takes to send.
func (s *Service) access(ctx context.Context, o sends) ([]awsapi.Access, error) {
	from, err := mail.ParseAddress(o.from)
	if err != nil {
		from = &mail.Address{Address: o.from} // the operation says what is wrong with it
	}
	feedback := or(o.feedback.address, from.Address)
	keys := policy.KeyMap{versionKey: policy.One(o.version), "ses:fromaddress": policy.One(from.Address), "ses:feedbackaddress": policy.One(feedback)}
	if from.Name != "" {
		keys["ses:fromdisplayname"] = policy.One(from.Name)
	}
	if len(o.recipients) > 0 {
		keys["ses:recipients"] = policy.Many(plainAll(o.recipients)...)
	}
	scope := awsapi.From(ctx).Scope
	senders := []sender{{from.Address, o.identity}}
	if a := o.author; a.address != "" && bare(a.address) != from.Address {
		senders = append(senders, a)
	}
	if o.feedback.identity != "" {
		senders = append(senders, sender{feedback, o.feedback.identity})
	}
	var need []awsapi.Access
	for _, who := range senders {
		resource, err := s.identity(ctx, who)
		if err != nil && o.version == "2" {
			err = inV2(err)
		}
		if err != nil {
			return nil, err
		}
		own := keys
		if who == o.author {
			own = maps.Clone(keys)
			own["ses:fromaddress"] = policy.One(bare(who.address))
		}
		need = append(need, awsapi.Access{Action: "ses:" + o.action, Resource: resource, Keys: own})
	}
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
