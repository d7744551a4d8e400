package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessages(t *testing.T) {
	const user = "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: "
	r := Request{Principal: ana, Action: "dynamodb:PutItem", Resource: scope.Table("orders")}
	const on = user + "dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/orders "
	for _, tt := range []struct {
		d    Decision
		want string
	}{
		{Decision{Outcome: Allowed}, ""},
		{Decision{Kind: Identity}, on + "because no identity-based policy allows the dynamodb:PutItem action"},
		{Decision{Kind: Resource}, on + "because no resource-based policy allows the dynamodb:PutItem action"},
		{Decision{Kind: Boundary}, on + "because no permissions boundary allows the dynamodb:PutItem action"},
		{Decision{Kind: Session}, on + "because no session policy allows the dynamodb:PutItem action"},
		{Decision{Kind: Trust}, on + "because no role trust policy allows the dynamodb:PutItem action"},
		{Decision{Kind: Control}, on + "with an explicit deny in a service control policy"},
		{Decision{Kind: Identity, Outcome: ExplicitDeny}, on + "with an explicit deny in an identity-based policy"},
		{Decision{Kind: Resource, Outcome: ExplicitDeny}, on + "with an explicit deny in a resource-based policy"},
		{Decision{Kind: Boundary, Outcome: ExplicitDeny}, on + "with an explicit deny in a permissions boundary"},
		{Decision{Kind: Session, Outcome: ExplicitDeny}, on + "with an explicit deny in a session policy"},
		{Decision{Kind: Trust, Outcome: ExplicitDeny}, on + "with an explicit deny in the role trust policy"},
	} {
		if got := tt.d.Message(&r); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	r.Resource = ""
	if got, want := (Decision{}).Message(&r), user+"dynamodb:PutItem because no identity-based policy allows the dynamodb:PutItem action"; got != want {
		t.Errorf("without a resource: %s", got)
	}
	for want, p := range map[string]Principal{
		"anonymous":           {},
		"s3.amazonaws.com":    {Service: "s3.amazonaws.com"},
		"accounts.google.com": {Federated: "accounts.google.com"},
	} {
		if got := p.String(); got != want {
			t.Errorf("principal %q, want %q", got, want)
		}
	}
}

func TestExplain(t *testing.T) {
	d := statements(t, Identity,
		`{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"}`,
		`{"Sid":"R","Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:*:other"}`,
		`{"Sid":"C","Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":["blue","red"]}}}`,
		`{"Sid":"N","Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`)
	res := statements(t, Resource, allowFor(`{"AWS":"999999999999"}`))
	s := Set{Identity: []*Doc{d}, Resource: []*Doc{res}}
	r := Request{Principal: ana, Action: "sqs:SendMessage", Resource: scope.Queue("orders"), Keys: KeyMap{"aws:principaltag/team": One("green")}}
	got := s.Explain(&r)
	want := Trace{
		Decision: Decision{Outcome: ImplicitDeny, Kind: Identity},
		Steps: []Step{
			{Doc: res, Miss: MissPrincipal},
			{Doc: d, Miss: MissAction},
			{Doc: d, Statement: 1, Miss: MissResource},
			{Doc: d, Statement: 2, Miss: MissCondition, Condition: &ConditionMiss{"StringEquals", "aws:PrincipalTag/Team", []string{"blue", "red"}, []string{"green"}}},
			{Doc: d, Statement: 3, Miss: MissCondition, Condition: &ConditionMiss{"Bool", "aws:SecureTransport", []string{"true"}, nil}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *Doc) bool { return a == b })); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
	allow := Set{Identity: []*Doc{statements(t, Identity, `{"Sid":"Here","Effect":"Allow","Action":"*","Resource":"*"}`)}}
	if sid := allow.Evaluate(&r).Sid(); sid != "Here" {
		t.Errorf("Sid = %q", sid)
	}
}

func TestGrants(t *testing.T) {
	put := Request{Principal: ana, Action: "dynamodb:PutItem", Resource: scope.Table("orders")}
	for _, tt := range []struct {
		r          Request
		d          Decision
		json, yaml string
	}{
		{
			put, Decision{Kind: Identity},
			`{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders"}`,
			"- Effect: Allow\n  Action: dynamodb:PutItem\n  Resource: arn:aws:dynamodb:eu-west-1:123456789012:table/orders\n",
		},
		{
			Request{Principal: ana, Action: "s3:ListAllMyBuckets"}, Decision{Kind: Boundary},
			`{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}`,
			"- Effect: Allow\n  Action: s3:ListAllMyBuckets\n  Resource: \"*\"\n",
		},
		{
			Request{Principal: worker, Action: "sqs:SendMessage", Resource: scope.Queue("q")}, Decision{Kind: Resource},
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/app/worker"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:123456789012:q"}`,
			"- Effect: Allow\n  Principal:\n    AWS: arn:aws:iam::123456789012:role/app/worker\n  Action: sqs:SendMessage\n  Resource: arn:aws:sqs:eu-west-1:123456789012:q\n",
		},
		{
			Request{Principal: Principal{Service: "sns.amazonaws.com"}, Action: "sqs:SendMessage", Resource: scope.Queue("q"), Keys: KeyMap{"aws:sourcearn": One("arn:aws:sns:eu-west-1:123456789012:t")}}, Decision{Kind: Resource},
			`{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:123456789012:q","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:123456789012:t"}}}`,
			"- Effect: Allow\n  Principal:\n    Service: sns.amazonaws.com\n  Action: sqs:SendMessage\n  Resource: arn:aws:sqs:eu-west-1:123456789012:q\n  Condition:\n    ArnEquals:\n      aws:SourceArn: arn:aws:sns:eu-west-1:123456789012:t\n",
		},
		{
			Request{Principal: Principal{Federated: "accounts.google.com"}, Action: "sts:AssumeRoleWithWebIdentity", Resource: scope.Role("", "r")}, Decision{Kind: Trust},
			`{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity"}`,
			"- Effect: Allow\n  Principal:\n    Federated: accounts.google.com\n  Action: sts:AssumeRoleWithWebIdentity\n",
		},
		{
			Request{Action: "s3:GetObject", Resource: scope.Object("b", "a#b")}, Decision{Kind: Resource},
			`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/a#b"}`,
			"- Effect: Allow\n  Principal:\n    AWS: \"*\"\n  Action: s3:GetObject\n  Resource: \"arn:aws:s3:::b/a#b\"\n",
		},
	} {
		g, ok := GrantFor(&tt.r, tt.d)
		if !ok || g.JSON() != tt.json || g.YAML() != tt.yaml {
			t.Errorf("grant %t\n got %s\nwant %s\n got\n%swant\n%s", ok, g.JSON(), tt.json, g.YAML(), tt.yaml)
		}
	}
	for _, o := range []Outcome{Allowed, ExplicitDeny} {
		if g, ok := GrantFor(&put, Decision{Outcome: o}); ok {
			t.Errorf("a grant for %v: %s", o, g.JSON())
		}
	}
}

func TestMergeGrants(t *testing.T) {
	one := func(action, resource string) Grant {
		return Grant{Kind: Identity, Actions: []string{action}, Resources: []string{resource}}
	}
	in := []Grant{
		one("s3:PutObject", "b"), one("s3:GetObject", "b"), one("s3:GetObject", "a"), one("s3:PutObject", "a"),
		one("sqs:SendMessage", "q"), one("s3:GetObject", "b"),
		{Kind: Boundary, Actions: []string{"sqs:SendMessage"}, Resources: []string{"q"}},
	}
	want := []Grant{
		{Kind: Identity, Actions: []string{"s3:GetObject", "s3:PutObject"}, Resources: []string{"a", "b"}},
		one("sqs:SendMessage", "q"),
		{Kind: Boundary, Actions: []string{"sqs:SendMessage"}, Resources: []string{"q"}},
	}
	if diff := cmp.Diff(want, Merge(in)); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	const text = "- Effect: Allow\n  Action:\n    - s3:GetObject\n    - s3:PutObject\n  Resource:\n    - a\n    - b\n"
	if got := want[0].YAML(); got != text {
		t.Errorf("YAML:\n%s", got)
	}
	if got := want[0].JSON(); got != `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["a","b"]}` {
		t.Errorf("JSON: %s", got)
	}
}
