package cloud

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/policy/iamdata"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

var update = flag.Bool("update", false, "write the golden files")

// walker goes over every operation as a user who may do nothing but what is
// granted for it.
type walker struct {
	*testing.T
	cloud *Cloud
	root  context.Context
	user  context.Context
	arn   arn.ARN
}

// openWalk opens a cloud in memory with a user called walker in it, and a role
// called walk that trusts the account.
func openWalk(t *testing.T) *walker {
	t.Helper()
	c, err := Open(t.Context(), Options{Isolation: sandbox.Off})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	w := &walker{T: t, cloud: c, root: c.asRoot(t.Context(), c.scope)}
	u, err := awsapi.Do(w.root, c.front, shapes.CreateUser, &shapes.CreateUserRequest{UserName: ptr("walker")})
	if err != nil {
		t.Fatal(err)
	}
	w.arn = arn.ARN(*u.User.Arn)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + c.opts.Account + `"},"Action":"sts:AssumeRole"}]}`
	_, err = awsapi.Do(w.root, c.front, shapes.CreateRole, &shapes.CreateRoleRequest{RoleName: ptr("walk"), AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	w.user = awsapi.As(w.root, awsapi.Actor{Account: c.opts.Account, UserID: *u.User.UserId, Principal: policy.Principal{ARN: w.arn}})
	return w
}

func ptr[T any](v T) *T { return &v }

// grant gives the walker these statements, and no others.
func (w *walker) grant(statements ...string) {
	w.Helper()
	if len(statements) == 0 {
		_, err := awsapi.Do(w.root, w.cloud.front, shapes.DeleteUserPolicy, &shapes.DeleteUserPolicyRequest{UserName: ptr("walker"), PolicyName: ptr("walk")})
		if err != nil && !fault.Is(err, "NoSuchEntity") {
			w.Fatal(err)
		}
		return
	}
	doc := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	_, err := awsapi.Do(w.root, w.cloud.front, shapes.PutUserPolicy, &shapes.PutUserPolicyRequest{
		UserName: ptr("walker"), PolicyName: ptr("walk"), PolicyDocument: &doc,
	})
	if err != nil {
		w.Fatalf("%s: %v", doc, err)
	}
}

// missing takes what the platform says that the walker lacks.
func (w *walker) missing() []string {
	w.Helper()
	lacks, explicit := w.cloud.parts.denials.Missing()
	w.cloud.parts.denials.Forget()
	if len(explicit) > 0 {
		w.Fatalf("denied by a statement: %+v", explicit)
	}
	var out []string
	for _, m := range lacks {
		if m.Principal != w.arn.String() || m.Kind != policy.Identity.String() {
			w.Fatalf("%s lacks something in its %s policy: %s", m.Principal, m.Kind, m.Statements)
		}
		out = append(out, m.Statements...)
	}
	return out
}

// denied tells whether an error is a denial by IAM, and of which action.
func denied(err error) (action string, ok bool) {
	e, coded := fault.As(err)
	if !coded || e.Code != "AccessDenied" {
		return "", false
	}
	_, rest, ok := strings.Cut(e.Message, " is not authorized to perform: ")
	action, _, _ = strings.Cut(rest, " ")
	return action, ok
}

// open are the operations that whoever is known may call.
func open() []string {
	return []string{"sts.GetCallerIdentity", "sts.GetSessionToken"}
}

// TestPermissions goes over every operation of every service: without a
// statement it is denied in AWS's words, with the statements that the platform
// names itself it is not, and with the same for another resource it is denied
// again. What each operation takes is testdata/permissions.txt.
func TestPermissions(t *testing.T) {
	w := openWalk(t)
	var listing strings.Builder
	suffix := regexp.MustCompile(`secret:walk-[0-9A-Za-z]{6}`) // of ARNs of secrets: random
	for _, s := range w.cloud.front.Services() {
		for _, name := range s.Implemented() {
			t.Run(s.Model.ID+"."+name, func(t *testing.T) {
				on := *w
				on.T = t
				lines := on.walk(s, s.Model.Op(name))
				fmt.Fprintf(&listing, "%s.%s\n", s.Model.ID, name)
				for _, l := range lines {
					listing.WriteString("\t" + suffix.ReplaceAllString(l, "secret:walk-??????") + "\n")
				}
			})
		}
	}
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/permissions.txt", []byte(listing.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/permissions.txt")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), listing.String()); d != "" && !t.Failed() {
		t.Errorf("what operations take has changed (-update accepts it):\n%s", d)
	}
}

// walk judges one operation, and lists what it takes.
func (w *walker) walk(s *awsapi.Service, op *schema.Op) []string {
	build := inputs{model: s.Model, values: w.values()}
	in, err := build.least(op)
	if err != nil {
		w.Fatalf("no input: %v", err)
	}
	needs, err := s.Needs(w.user, op, in)
	if err != nil {
		w.Fatalf("needs: %v", err)
	}
	if isOpen := slices.Contains(open(), s.Model.ID+"."+op.Name); isOpen != (len(needs) == 0) {
		w.Fatalf("takes %d permissions, and is open to all: %v", len(needs), isOpen)
	}
	for _, need := range needs {
		w.known(need)
	}
	w.grant()
	w.cloud.parts.denials.Forget()
	call := func() error {
		_, err := w.cloud.front.Call(w.user, s.Model, op, in)
		return err
	}
	var statements []string
	for _, need := range needs {
		err := call()
		if want := denial(w.arn, need); err == nil || err.Error() != want {
			w.Errorf("with %s: %v\nwant %s", statements, err, want)
			return nil
		}
		lacks := w.missing()
		if want := statement(need.Action, resourceOf(need)); len(lacks) != 1 || lacks[0] != want {
			w.Errorf("the statement that is missing: %s\nwant %s", lacks, want)
			return nil
		}
		statements = append(statements, lacks...)
		w.grant(statements...)
	}
	list := w.further(call, statements)
	w.elsewhere(call, needs)
	return list
}

// further grants what the operation asks for beyond its own needs, such as to
// pass a role, until it is not denied any more.
func (w *walker) further(call func() error, statements []string) []string {
	for {
		err := call()
		lacks := w.missing()
		if _, is := denied(err); !is {
			if lacks != nil {
				w.Errorf("not denied, but %s are missing", lacks)
			}
			return statements
		}
		if len(lacks) != 1 || slices.Contains(statements, lacks[0]) {
			w.Fatalf("with %s: %v; missing are %s", statements, err, lacks)
		}
		statements = append(statements, lacks[0])
		w.grant(statements...)
	}
}

// elsewhere takes each need for another resource only, with which the
// operation must be denied.
func (w *walker) elsewhere(call func() error, needs []awsapi.Access) {
	for i, need := range needs {
		if resourceOf(need) == "*" {
			continue
		}
		var other []string
		for j, n := range needs {
			r := resourceOf(n)
			if j == i {
				r = elsewhere(need.Resource)
			}
			other = append(other, statement(n.Action, r))
		}
		w.grant(other...)
		if action, is := denied(call()); !is || action != need.Action {
			w.Errorf("%s on another resource does as well", need.Action)
		}
		w.missing()
	}
}

// elsewhere is the ARN of another thing of the same kind and owner.
func elsewhere(a arn.ARN) string {
	parts := strings.SplitN(a.String(), ":", 6)
	parts[5] = parts[5][:strings.IndexAny(parts[5], "/:")+1] + "elsewhere"
	return strings.Join(parts, ":")
}

// unlisted are resources that AWS asks for although its reference does not list
// them with the action.
func unlisted() []awsapi.Access {
	return []awsapi.Access{
		// The reference has …/resources alone; what is asked for is the path of the request.
		// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html
		{Action: "apigateway:POST", Resource: "arn:aws:apigateway:us-east-1::/restapis/walk/resources/walk"},
		// https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeMethod.html
		{Action: "apigateway:POST", Resource: "arn:aws:apigateway:us-east-1::/restapis/walk/resources/walk/methods/walk"},
		// https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeAuthorizer.html
		{Action: "apigateway:POST", Resource: "arn:aws:apigateway:us-east-1::/restapis/walk/authorizers/walk"},
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/permissions-reference-cwl.html
		{Action: "logs:DescribeLogGroups", Resource: "arn:aws:logs:us-east-1:000000000000:log-group::log-stream:"},
	}
}

// known checks that a need is one that AWS knows: the action, and a resource of
// one of its types.
func (w *walker) known(need awsapi.Access) {
	service, name, _ := strings.Cut(need.Action, ":")
	a, ok := iamdata.Action(service, name)
	if !ok {
		w.Errorf("%s is not an action", need.Action)
		return
	}
	if slices.ContainsFunc(unlisted(), func(u awsapi.Access) bool { return u.Action == need.Action && u.Resource == need.Resource }) {
		return
	}
	if resourceOf(need) == "*" {
		if i := slices.IndexFunc(a.Resources, func(r iamdata.ResourceUse) bool { return r.Required }); i >= 0 {
			w.Errorf("%s is asked for on *, but works on %s", need.Action, a.Resources[i].Type)
		}
		return
	}
	var patterns []string
	for _, use := range a.Resources {
		if t, ok := iamdata.Resource(service, use.Type); ok {
			if matches(t.Pattern(), resourceOf(need)) {
				return
			}
			patterns = append(patterns, t.Pattern())
		}
	}
	// Both versions of API Gateway have the same actions, and the reference lists
	// the resources of only one with them.
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
	if service == "apigateway" && slices.ContainsFunc(iamdata.ResourceTypes(service), func(t iamdata.ResourceType) bool { return matches(t.Pattern(), resourceOf(need)) }) {
		return
	}
	w.Errorf("%s is asked for on %s, but works on %q", need.Action, need.Resource, patterns)
}

// matches compares with a pattern in which stars stand for anything. Where a
// type has two forms, the reference gives both.
func matches(pattern, s string) bool {
	return slices.ContainsFunc(strings.Split(pattern, ", "), func(p string) bool { return matchesOne(p, s) })
}

func matchesOne(pattern, s string) bool {
	doc, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":`+statement("x:Y", pattern)+`}`)
	if err != nil {
		return false
	}
	owner := policy.Principal{ARN: "arn:aws:iam::000000000000:user/owner"}
	req := policy.Request{Principal: owner, Action: "x:Y", Resource: arn.ARN(s), ResourceAccount: owner.Account()}
	return (&policy.Set{Identity: []*policy.Doc{doc}}).Evaluate(&req).Allowed()
}

func resourceOf(need awsapi.Access) string {
	if need.Resource == "" {
		return "*"
	}
	return need.Resource.String()
}

func statement(action, resource string) string {
	text, err := json.Marshal(struct{ Effect, Action, Resource string }{"Allow", action, resource})
	if err != nil {
		panic(err) // strings are no error
	}
	return string(text)
}

// denial is AWS's sentence about a permission that nothing grants.
func denial(who arn.ARN, need awsapi.Access) string {
	return fmt.Sprintf("AccessDenied: User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		who, need.Action, resourceOf(need), need.Action)
}

// values says what the shapes do not.
func (w *walker) values() map[string]any {
	account, region := w.cloud.opts.Account, w.cloud.opts.Region
	stream := "arn:aws:dynamodb:" + region + ":" + account + ":table/walk/stream/2026-11-22T10:00:00.000"
	return map[string]any{
		"RoleArn":                                    "arn:aws:iam::" + account + ":role/walk",
		"iam.PolicyArn":                              "arn:aws:iam::" + account + ":policy/walk",
		"iam.PolicySourceArn":                        "arn:aws:iam::" + account + ":user/walk",
		"iam.VersionId":                              "v1",
		"dynamodb.ResourceArn":                       "arn:aws:dynamodb:" + region + ":" + account + ":table/walk",
		"dynamodbstreams.StreamArn":                  stream,
		"dynamodbstreams.ShardIterator":              stream + "|1|AAAAAAAAAAAAAAAAAAAAAAAA",
		"cloudwatch.ResourceARN":                     "arn:aws:cloudwatch:" + region + ":" + account + ":alarm:walk",
		"logs.resourceArn":                           "arn:aws:logs:" + region + ":" + account + ":log-group:walk",
		"sesv2.ResourceArn":                          "arn:aws:ses:" + region + ":" + account + ":identity/walk.example.com",
		"logs.logGroupName":                          "walk",
		"sns.TopicArn":                               "arn:aws:sns:" + region + ":" + account + ":walk",
		"sns.ResourceArn":                            "arn:aws:sns:" + region + ":" + account + ":walk",
		"events.ConnectionArn":                       "arn:aws:events:" + region + ":" + account + ":connection/walk/00000000-0000-4000-8000-000000000000",
		"events.CreateArchive.EventSourceArn":        "arn:aws:events:" + region + ":" + account + ":event-bus/walk",
		"events.StartReplay.EventSourceArn":          "arn:aws:events:" + region + ":" + account + ":archive/walk",
		"events.StartReplay.Arn":                     "arn:aws:events:" + region + ":" + account + ":event-bus/walk",
		"events.ResourceARN":                         "arn:aws:events:" + region + ":" + account + ":event-bus/walk",
		"scheduler.ResourceArn":                      "arn:aws:scheduler:" + region + ":" + account + ":schedule-group/walk",
		"sns.SubscriptionArn":                        "arn:aws:sns:" + region + ":" + account + ":walk:6b5a4d2e-0000-4000-8000-000000000000",
		"sqs.QueueUrl":                               "http://127.0.0.1/" + account + "/walk",
		"sqs.SourceArn":                              "arn:aws:sqs:" + region + ":" + account + ":walk",
		"sqs.TaskHandle":                             "eyJ0YXNrSWQiOiJ3YWxrIiwic291cmNlQXJuIjoiYXJuOmF3czpzcXM6dXMtZWFzdC0xOjAwMDAwMDAwMDAwMDp3YWxrIn0=",
		"cloudformation.StackName":                   "walk",
		"kms.AliasName":                              "alias/walk",
		"kms.Decrypt.KeyId":                          "walk",
		"kms.ReEncrypt.SourceKeyId":                  "walk",
		"kms.RetireGrant.KeyId":                      "walk",
		"kms.RetireGrant.GrantId":                    "walk",
		"apigateway.statusCode":                      "200",
		"dynamodb.Statement":                         `SELECT * FROM "walk"`,
		"dynamodb.TransactWriteItems.ConditionCheck": least{},
	}
}
