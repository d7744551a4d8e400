package policy

import "strings"

// Message renders the access denied message that AWS gives for the decision,
// for example
//
//	User: arn:aws:iam::123456789012:user/ana is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/orders because no identity-based policy allows the dynamodb:PutItem action
//
// The resource is left out when the request has none. Message is empty when
// the request was allowed.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func (d Decision) Message(r *Request) string {
	if d.Outcome == Allowed {
		return ""
	}
	var b strings.Builder
	b.WriteString("User: ")
	b.WriteString(r.Principal.String())
	b.WriteString(" is not authorized to perform: ")
	b.WriteString(r.Action)
	if r.Resource != "" {
		b.WriteString(" on resource: ")
		b.WriteString(r.Resource.String())
	}
	if d.Outcome == ExplicitDeny || d.Kind == Control {
		// For a service control policy AWS always says "explicit".
		b.WriteString(" with an explicit deny in ")
		switch d.Kind {
		case Identity:
			b.WriteString("an ")
		case Trust:
			b.WriteString("the ")
		default:
			b.WriteString("a ")
		}
		b.WriteString(d.Kind.String())
		return b.String()
	}
	b.WriteString(" because no ")
	b.WriteString(d.Kind.String())
	b.WriteString(" allows the ")
	b.WriteString(r.Action)
	b.WriteString(" action")
	return b.String()
}
