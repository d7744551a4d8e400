package policy

import (
	"testing"

	"github.com/nube-run/nube/internal/arn"
)

var (
	scope  = arn.In("eu-west-1", "123456789012")
	other  = arn.In("eu-west-1", "999999999999")
	ana    = Principal{ARN: scope.User("", "ana")}
	worker = Principal{ARN: scope.AssumedRole("worker", "i1"), Issuer: scope.Role("/app/", "worker")}
)

const (
	allowSQS = `{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`
	denySend = `{"Effect":"Deny","Action":"sqs:SendMessage","Resource":"*"}`
	allowS3  = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
)

func allowFor(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sqs:SendMessage","Resource":"*"}`
}

// The documented combinations of policies: same account, other account,
// boundaries, sessions, organisations, and the callers that have no policies.
func TestEvaluate(t *testing.T) {
	queue := scope.Queue("orders")
	id := func(s ...string) []*Doc { return []*Doc{statements(t, Identity, s...)} }
	bound := func(s ...string) []*Doc { return []*Doc{statements(t, Boundary, s...)} }
	session := func(s ...string) []*Doc { return []*Doc{statements(t, Session, s...)} }
	res := func(s ...string) []*Doc { return []*Doc{statements(t, Resource, s...)} }
	control := func(s ...string) []*Doc { return []*Doc{statements(t, Control, s...)} }
	trust := func(principal string) []*Doc {
		return []*Doc{statements(t, Trust, `{"Effect":"Allow","Principal":`+principal+`,"Action":"sts:AssumeRole"}`)}
	}

	const (
		anaARN     = `{"AWS":"arn:aws:iam::123456789012:user/ana"}`
		roleARN    = `{"AWS":"arn:aws:iam::123456789012:role/app/worker"}`
		sessionARN = `{"AWS":"arn:aws:sts::123456789012:assumed-role/worker/i1"}`
		rootARN    = `{"AWS":"arn:aws:iam::123456789012:root"}`
		account    = `{"AWS":"123456789012"}`
		everyone   = `"*"`
	)
	stranger := Principal{ARN: other.User("", "eve")}
	root := Principal{ARN: scope.Root()}
	sns := Principal{Service: "sns.amazonaws.com"}

	for _, tt := range []struct {
		name      string
		principal Principal
		set       Set
		outcome   Outcome
		kind      Kind
	}{
		{"nothing", ana, Set{}, ImplicitDeny, Identity},
		{"identity", ana, Set{Identity: id(allowSQS)}, Allowed, Identity},
		{"identity for something else", ana, Set{Identity: id(allowS3)}, ImplicitDeny, Identity},
		{"identity denies", ana, Set{Identity: id(allowSQS, denySend)}, ExplicitDeny, Identity},
		{"identity denies before it allows", ana, Set{Identity: id(denySend, allowSQS)}, ExplicitDeny, Identity},
		{"another identity policy denies", ana, Set{Identity: append(id(allowSQS), id(denySend)...)}, ExplicitDeny, Identity},
		{"root needs nothing", root, Set{}, Allowed, Identity},
		{"root obeys the resource", root, Set{Resource: res(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)}, ExplicitDeny, Resource},

		{"boundary allows", ana, Set{Identity: id(allowSQS), Boundary: bound(allowSQS)}, Allowed, Identity},
		{"boundary limits", ana, Set{Identity: id(allowSQS), Boundary: bound(allowS3)}, ImplicitDeny, Boundary},
		{"boundary grants nothing", ana, Set{Boundary: bound(allowSQS)}, ImplicitDeny, Identity},
		{"boundary denies", ana, Set{Identity: id(allowSQS), Boundary: bound(allowSQS, denySend)}, ExplicitDeny, Boundary},
		{"session limits", worker, Set{Identity: id(allowSQS), Session: session(allowS3)}, ImplicitDeny, Session},
		{"session grants nothing", worker, Set{Session: session(allowSQS)}, ImplicitDeny, Identity},
		{"one of two session policies", worker, Set{Identity: id(allowSQS), Session: append(session(allowS3), session(allowSQS)...)}, Allowed, Identity},
		{"session denies", worker, Set{Identity: id(allowSQS), Session: session(denySend)}, ExplicitDeny, Session},

		{"organisation allows", ana, Set{Identity: id(allowSQS), Control: [][]*Doc{control(allowSQS), control(allowSQS, allowS3)}}, Allowed, Identity},
		{"one level does not", ana, Set{Identity: id(allowSQS), Control: [][]*Doc{control(allowSQS), control(allowS3)}}, ImplicitDeny, Control},
		{"organisation limits root", root, Set{Control: [][]*Doc{control(allowS3)}}, ImplicitDeny, Control},
		{"organisation denies", ana, Set{Identity: id(allowSQS), Control: [][]*Doc{control(allowSQS, denySend)}}, ExplicitDeny, Control},

		// Within the account the resource's policy adds to the identity's.
		{"resource for the user", ana, Set{Resource: res(allowFor(anaARN))}, Allowed, Resource},
		{"resource for the user, outside its boundary", ana, Set{Resource: res(allowFor(anaARN)), Boundary: bound(allowS3)}, Allowed, Resource},
		{"resource for everyone", ana, Set{Resource: res(allowFor(everyone))}, Allowed, Resource},
		{"resource for the account delegates", ana, Set{Resource: res(allowFor(account))}, ImplicitDeny, Identity},
		{"resource for the root delegates", ana, Set{Resource: res(allowFor(rootARN))}, ImplicitDeny, Identity},
		{"resource denies the account", ana, Set{Identity: id(allowSQS), Resource: res(`{"Effect":"Deny","Principal":` + account + `,"Action":"*","Resource":"*"}`)}, ExplicitDeny, Resource},
		{"resource for the role", worker, Set{Resource: res(allowFor(roleARN))}, Allowed, Resource},
		{"resource for the role, outside its boundary", worker, Set{Resource: res(allowFor(roleARN)), Boundary: bound(allowS3)}, ImplicitDeny, Boundary},
		{"resource for the role, outside its session policy", worker, Set{Resource: res(allowFor(roleARN)), Session: session(allowS3)}, ImplicitDeny, Session},
		{"resource for the session", worker, Set{Resource: res(allowFor(sessionARN)), Boundary: bound(allowS3), Session: session(allowS3)}, Allowed, Resource},
		{"resource for role and session", worker, Set{Resource: res(allowFor(roleARN), allowFor(sessionARN)), Boundary: bound(allowS3)}, Allowed, Resource},
		{"resource for another user", ana, Set{Resource: res(allowFor(roleARN))}, ImplicitDeny, Identity},

		// Between accounts both must allow.
		{"stranger with identity only", stranger, Set{Identity: id(allowSQS)}, ImplicitDeny, Resource},
		{"stranger with resource only", stranger, Set{Resource: res(allowFor(`{"AWS":"arn:aws:iam::999999999999:user/eve"}`))}, ImplicitDeny, Identity},
		{"stranger with both", stranger, Set{Identity: id(allowSQS), Resource: res(allowFor(`{"AWS":"999999999999"}`))}, Allowed, Identity},
		{"stranger with both, outside the boundary", stranger, Set{Identity: id(allowSQS), Boundary: bound(allowS3), Resource: res(allowFor(everyone))}, ImplicitDeny, Boundary},
		{"strange root", Principal{ARN: other.Root()}, Set{}, ImplicitDeny, Resource},
		{"strange root, let in", Principal{ARN: other.Root()}, Set{Resource: res(allowFor(`{"AWS":"999999999999"}`))}, Allowed, Identity},

		// Callers without policies of their own.
		{"service", sns, Set{Identity: id(allowSQS)}, ImplicitDeny, Resource},
		{"service, let in", sns, Set{Resource: res(allowFor(`{"Service":"SNS.amazonaws.com"}`))}, Allowed, Resource},
		{"another service", sns, Set{Resource: res(allowFor(`{"Service":"s3.amazonaws.com"}`))}, ImplicitDeny, Resource},
		{"any service", sns, Set{Resource: res(allowFor(`{"Service":"*"}`))}, Allowed, Resource},
		{"a user is not a service", ana, Set{Resource: res(allowFor(`{"Service":"*"}`))}, ImplicitDeny, Identity},
		{"anonymous", Principal{}, Set{Resource: res(allowFor(account))}, ImplicitDeny, Resource},
		{"anonymous, let in", Principal{}, Set{Resource: res(allowFor(`{"AWS":"*"}`))}, Allowed, Resource},
		{"canonical user", Principal{ARN: other.User("", "eve"), CanonicalUser: "c1"}, Set{Identity: id(allowSQS), Resource: res(allowFor(`{"CanonicalUser":"c1"}`))}, Allowed, Identity},

		// Trust and key policies decide alone.
		{"trust for the user", ana, Set{Resource: trust(anaARN), ResourceDecides: true}, Allowed, Trust},
		{"trust for nobody here", ana, Set{Identity: id(`{"Effect":"Allow","Action":"*","Resource":"*"}`), Resource: trust(roleARN), ResourceDecides: true}, ImplicitDeny, Trust},
		{"trust for the account needs identity", ana, Set{Resource: trust(rootARN), ResourceDecides: true}, ImplicitDeny, Identity},
		{"trust for the account with identity", ana, Set{Identity: id(`{"Effect":"Allow","Action":"sts:*","Resource":"*"}`), Resource: trust(rootARN), ResourceDecides: true}, Allowed, Identity},
		{"trust and the root user", root, Set{Resource: trust(anaARN), ResourceDecides: true}, ImplicitDeny, Trust},
		{"trust of a provider", Principal{Federated: "accounts.google.com"}, Set{Resource: trust(`{"Federated":"accounts.google.com"}`), ResourceDecides: true}, Allowed, Trust},
		{"trust of another provider", Principal{Federated: "accounts.google.com"}, Set{Resource: trust(`{"Federated":"graph.facebook.com"}`), ResourceDecides: true}, ImplicitDeny, Trust},

		// NotPrincipal spares only those that are listed with their account.
		{"spared", ana, Set{Identity: id(allowSQS), Resource: res(`{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::123456789012:user/ana","123456789012"]},"Action":"*","Resource":"*"}`)}, Allowed, Identity},
		{"not with its account", ana, Set{Identity: id(allowSQS), Resource: res(`{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/ana"},"Action":"*","Resource":"*"}`)}, ExplicitDeny, Resource},
		{"not the role of the session", worker, Set{Identity: id(allowSQS), Resource: res(`{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:sts::123456789012:assumed-role/worker/i1","123456789012"]},"Action":"*","Resource":"*"}`)}, ExplicitDeny, Resource},
		{"another service is denied", sns, Set{Resource: res(`{"Effect":"Deny","NotPrincipal":{"Service":"s3.amazonaws.com"},"Action":"*","Resource":"*"}`, allowFor(everyone))}, ExplicitDeny, Resource},

		// NotAction and NotResource.
		{"all but IAM", ana, Set{Identity: id(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`)}, Allowed, Identity},
		{"all but SQS", ana, Set{Identity: id(`{"Effect":"Allow","NotAction":"SQS:Send*","Resource":"*"}`)}, ImplicitDeny, Identity},
		{"all but another queue", ana, Set{Identity: id(`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:sqs:*:*:other"}`)}, Allowed, Identity},
		{"all but this queue", ana, Set{Identity: id(`{"Effect":"Allow","Action":"*","NotResource":["arn:aws:s3:::b","arn:aws:sqs:*:*:ord*"]}`)}, ImplicitDeny, Identity},
		{"a variable without a value voids NotResource", ana, Set{Identity: id(`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:sqs:*:*:${aws:absent}"}`)}, ImplicitDeny, Identity},
	} {
		action := "sqs:SendMessage"
		resource := queue
		if tt.set.ResourceDecides {
			action, resource = "sts:AssumeRole", scope.Role("", "target")
		}
		if tt.principal.Federated != "" {
			action = "sts:AssumeRole"
		}
		r := Request{Principal: tt.principal, Action: action, Resource: resource}
		d := tt.set.Evaluate(&r)
		if d.Outcome != tt.outcome || d.Kind != tt.kind {
			t.Errorf("%s: %v by %v, want %v by %v", tt.name, d.Outcome, d.Kind, tt.outcome, tt.kind)
		}
		if (d.Doc == nil) != (d.Outcome == ImplicitDeny || d.Allowed() && tt.principal.IsRoot() && len(tt.set.Identity) == 0) {
			t.Errorf("%s: decided by document %v", tt.name, d.Doc)
		}
	}
}

func TestResourceAccount(t *testing.T) {
	// A bucket's ARN does not tell its account.
	s := Set{Identity: []*Doc{statements(t, Identity, allowS3)}}
	r := Request{Principal: ana, Action: "s3:GetObject", Resource: scope.Object("b", "k")}
	if d := s.Evaluate(&r); !d.Allowed() {
		t.Errorf("own bucket: %v", d)
	}
	r.ResourceAccount = other.Account
	if d := s.Evaluate(&r); d.Outcome != ImplicitDeny || d.Kind != Resource {
		t.Errorf("bucket of another account: %v by %v", d.Outcome, d.Kind)
	}
}

func TestResources(t *testing.T) {
	for _, tt := range []struct {
		pattern  string
		resource arn.ARN
		want     bool
	}{
		{"*", "*", true},
		{"arn:aws:s3:::*", "*", false},
		{"arn:aws:s3:::b/*", scope.Object("b", "x/y"), true},
		{"arn:aws:s3:::b/*", scope.Bucket("b"), false},
		{"arn:aws:s3:::b", scope.Bucket("b"), true},
		{"arn:aws:s3:::*/x", scope.Object("b", "x"), true},
		{"arn:aws:lambda:*:*:function:*:prod", scope.FunctionVersion("f", "prod"), true},
		{"arn:aws:lambda:*:*:function:?", scope.Function("f"), true},
		{"arn:aws:sqs:*:orders", scope.Queue("orders"), false},
		{"arn:aws:sqs:eu-*", scope.Queue("orders"), true},
		{"arn:aws:sqs:eu-west-1", scope.Queue("orders"), true},
		{"arn:aws:sqs:eu-west-1:999999999999", scope.Queue("orders"), false},
		{"arn:aws:s3:::home/${aws:username}/*", scope.Object("home", "ana/x"), true},
		{"arn:aws:s3:::home/${aws:username}/*", scope.Object("home", "eve/x"), false},
		{"arn:aws:s3:::home/${aws:userid, 'nobody'}/*", scope.Object("home", "nobody/x"), true},
		{"arn:aws:s3:::home/${aws:userid}/*", scope.Object("home", "/x"), false},
		{"arn:aws:s3:::home/${*}", scope.Object("home", "x"), false},
		{"arn:aws:s3:::home/${*}", scope.Object("home", "*"), true},
		{"arn:aws:sqs:${aws:region}:*:*", scope.Queue("orders"), false}, // no variables before the fifth colon
	} {
		s := Set{Identity: []*Doc{statements(t, Identity, `{"Effect":"Allow","Action":"*","Resource":"`+tt.pattern+`"}`)}}
		r := Request{Principal: ana, Action: "x:Y", Resource: tt.resource, Keys: KeyMap{
			"aws:username": One("ana"), "aws:region": One("eu-west-1"),
		}}
		if got := s.Evaluate(&r).Allowed(); got != tt.want {
			t.Errorf("%s against %s: %t", tt.pattern, tt.resource, got)
		}
	}
}

func TestActions(t *testing.T) {
	for _, tt := range []struct {
		pattern, action string
		want            bool
	}{
		{"*", "s3:GetObject", true},
		{"*:*", "s3:GetObject", true},
		{"s3:*", "s3:GetObject", true},
		{"S3:GETobject", "s3:GetObject", true},
		{"s3:GetObject", "S3:getobject", true},
		{"s3:GetObject", "s3:GetObjectAcl", false},
		{"s3:Get*", "s3:GetObject", true},
		{"s3:*Object", "s3:GetObject", true},
		{"s3:*object", "s3:GetObjectAcl", false},
		{"s3:Get?bject", "s3:GetObject", true},
		{"s3:*", "s3express:CreateSession", false},
		{"iam:*AccessKey*", "iam:ListAccessKeys", true},
	} {
		s := Set{Identity: []*Doc{statements(t, Identity, `{"Effect":"Allow","Action":"`+tt.pattern+`","Resource":"*"}`)}}
		r := Request{Principal: ana, Action: tt.action, Resource: "*"}
		if got := s.Evaluate(&r).Allowed(); got != tt.want {
			t.Errorf("%s against %s: %t", tt.pattern, tt.action, got)
		}
	}
}

// Keys are asked for only when nothing else decides.
func TestKeysAreLazy(t *testing.T) {
	s := Set{Identity: []*Doc{statements(t, Identity,
		`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"x"}}}`,
		`{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:*:other","Condition":{"StringEquals":{"s3:prefix":"x"}}}`,
		allowSQS)}}
	r := Request{Principal: ana, Action: "sqs:SendMessage", Resource: scope.Queue("orders"), Keys: forbiddenKeys{t}}
	if d := s.Evaluate(&r); !d.Allowed() {
		t.Errorf("decision %v", d)
	}
}

type forbiddenKeys struct{ t *testing.T }

func (k forbiddenKeys) Key(name string) (Value, bool) {
	k.t.Errorf("key %s was asked for", name)
	return Value{}, false
}
