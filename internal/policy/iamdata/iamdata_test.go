package iamdata_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/policy/iamdata"
)

func TestServices(t *testing.T) {
	got := iamdata.Services()
	if !slices.IsSorted(got) || len(got) != 20 {
		t.Errorf("services %q", got)
	}
	for _, s := range []string{"dynamodb", "execute-api", "lambda", "s3", "states", "xray"} {
		if !slices.Contains(got, s) {
			t.Errorf("no service %s", s)
		}
	}
}

func TestAction(t *testing.T) {
	got, ok := iamdata.Action("DynamoDB", "putitem")
	want := iamdata.ActionInfo{
		Service:   "dynamodb",
		Name:      "PutItem",
		Level:     iamdata.Write,
		Resources: []iamdata.ResourceUse{{Type: "table", Required: true}},
		Keys:      []string{"dynamodb:Attributes", "dynamodb:EnclosingOperation", "dynamodb:LeadingKeys", "dynamodb:ReturnConsumedCapacity", "dynamodb:ReturnValues"},
	}
	if !ok {
		t.Fatal("dynamodb:PutItem is not known")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dynamodb:PutItem (-want +got):\n%s", diff)
	}
	for _, unknown := range [][2]string{{"dynamodb", "PutItems"}, {"dynamodb", "PutIte"}, {"dynamodb", ""}, {"dynamodb", "zzz"}, {"ec2", "RunInstances"}, {"aws", "x"}, {"", ""}} {
		if a, ok := iamdata.Action(unknown[0], unknown[1]); ok {
			t.Errorf("%q is %+v", unknown, a)
		}
	}
	for action, level := range map[string]iamdata.Level{
		"s3:ListBucket": iamdata.List, "s3:GetObject": iamdata.Read, "s3:PutObject": iamdata.Write,
		"lambda:TagResource": iamdata.Tagging, "lambda:AddPermission": iamdata.Permissions,
	} {
		service, name, _ := strings.Cut(action, ":")
		a, ok := iamdata.Action(service, name)
		if !ok || a.Level != level || a.Level.String() == "" || a.Level.Writes() != (level != iamdata.List && level != iamdata.Read) {
			t.Errorf("%s: %v, want %v", action, a.Level, level)
		}
	}
	create, _ := iamdata.Action("lambda", "CreateFunction")
	if !slices.Contains(create.Dependent, "iam:PassRole") {
		t.Errorf("lambda:CreateFunction depends on %q", create.Dependent)
	}
	if list, _ := iamdata.Action("lambda", "ListFunctions"); list.Resources != nil {
		t.Errorf("lambda:ListFunctions works on %+v", list.Resources)
	}
}

// Every row of every table can be found by its name and refers to rows that
// are there.
func TestTablesAreSound(t *testing.T) {
	actions := 0
	for _, service := range iamdata.Services() {
		for a := range iamdata.Actions(service) {
			actions++
			got, ok := iamdata.Action(service, strings.ToUpper(a.Name))
			if diff := cmp.Diff(a, got); !ok || diff != "" {
				t.Errorf("%s:%s: %s", service, a.Name, diff)
			}
			if a.Level.String() == "" {
				t.Errorf("%s:%s has level %q", service, a.Name, a.Level)
			}
			for _, u := range a.Resources {
				if _, ok := iamdata.Resource(service, u.Type); !ok {
					t.Errorf("%s:%s works on %q, which is no resource type", service, a.Name, u.Type)
				}
			}
			for _, k := range a.Keys {
				if _, ok := iamdata.ConditionKey(service, k); !ok {
					t.Errorf("%s:%s has %q, which is no condition key", service, a.Name, k)
				}
			}
		}
		for _, r := range iamdata.ResourceTypes(service) {
			got, ok := iamdata.Resource(service, r.Name)
			if diff := cmp.Diff(r, got); !ok || diff != "" {
				t.Errorf("resource type %s of %s: %s", r.Name, service, diff)
			}
			if !strings.HasPrefix(r.Pattern(), "arn:*:") || strings.Contains(r.Pattern(), "$") {
				t.Errorf("pattern of %s: %s", r.Name, r.Pattern())
			}
		}
	}
	if actions < 1500 {
		t.Errorf("only %d actions", actions)
	}
	for range iamdata.Actions("ec2") {
		t.Error("a service that is not there has actions")
	}
	if iamdata.ResourceTypes("ec2") != nil {
		t.Error("a service that is not there has resource types")
	}
}

func TestConditionKey(t *testing.T) {
	for _, tt := range []struct{ service, name, want, typ string }{
		{"dynamodb", "DynamoDB:LeadingKeys", "dynamodb:LeadingKeys", "ArrayOfString"},
		{"dynamodb", "aws:SourceIp", "aws:SourceIp", "IPAddress"},
		{"nothing", "aws:sourcearn", "aws:SourceArn", "ARN"},
		{"sqs", "aws:ResourceTag/team", "aws:ResourceTag/${TagKey}", "String"},
		{"nothing", "aws:PrincipalTag/a/b", "aws:PrincipalTag/${TagKey}", "String"},
		{"s3", "s3:ExistingObjectTag/x", "s3:ExistingObjectTag/<key>", "String"},
	} {
		k, ok := iamdata.ConditionKey(tt.service, tt.name)
		if !ok || k.Name != tt.want || k.Type != tt.typ {
			t.Errorf("%s of %s = %+v, want %s %s", tt.name, tt.service, k, tt.want, tt.typ)
		}
	}
	for _, unknown := range []string{"aws:Nothing", "dynamodb:LeadingKeys/x", "s3:prefix"} {
		if k, ok := iamdata.ConditionKey("dynamodb", unknown); ok {
			t.Errorf("%s is %+v", unknown, k)
		}
	}
	if n := len(iamdata.GlobalKeys()); n < 40 {
		t.Errorf("%d global keys", n)
	}
}

// The names that the platform gives to resources are those that IAM expects.
func TestPatternsMatchThePlatformsNames(t *testing.T) {
	s := arn.In("eu-west-1", "123456789012")
	for _, tt := range []struct {
		service, typ string
		name         arn.ARN
	}{
		{"apigateway", "RestApi", s.RestAPI("a1")},
		{"cloudformation", "stack", s.Stack("shop", "u")},
		{"cloudwatch", "alarm", s.Alarm("a")},
		{"dynamodb", "index", s.Index("t", "i")},
		{"dynamodb", "stream", s.TableStream("t", "l")},
		{"dynamodb", "table", s.Table("t")},
		{"events", "event-bus", s.EventBus("b")},
		{"events", "rule-on-custom-event-bus", s.Rule("b", "r")},
		{"events", "rule-on-default-event-bus", s.Rule("default", "r")},
		{"execute-api", "execute-api-general", s.Execute("a", "s", "GET", "/x")},
		{"iam", "group", s.Group("", "g")},
		{"iam", "policy", s.Policy("", "p")},
		{"iam", "role", s.Role("", "r")},
		{"iam", "user", s.User("/a/", "u")},
		{"kms", "alias", s.KeyAlias("alias/a")},
		{"kms", "key", s.Key("k")},
		{"lambda", "eventSourceMapping", s.EventSourceMapping("u")},
		{"lambda", "function", s.Function("f")},
		{"lambda", "function version", s.FunctionVersion("f", "1")},
		{"lambda", "layerVersion", s.LayerVersion("l", "1")},
		{"logs", "log-group", s.LogGroup("g")},
		{"logs", "log-stream", s.LogStream("g", "s")},
		{"s3", "bucket", s.Bucket("b")},
		{"s3", "object", s.Object("b", "k/l")},
		{"scheduler", "schedule", s.Schedule("g", "s")},
		{"scheduler", "schedule-group", s.ScheduleGroup("g")},
		{"secretsmanager", "Secret", s.Secret("db", "AbCdEf")},
		{"ses", "identity", s.Identity("a@example.com")},
		{"sns", "topic", s.Topic("t")},
		{"sqs", "queue", s.Queue("q")},
		{"ssm", "parameter", s.Parameter("/a/b")},
		{"states", "execution", s.Execution("m", "e")},
		{"states", "statemachine", s.StateMachine("m")},
	} {
		r, ok := iamdata.Resource(tt.service, tt.typ)
		if !ok {
			t.Errorf("%s has no resource type %s", tt.service, tt.typ)
			continue
		}
		if !arn.Match(r.Pattern(), tt.name.String()) {
			t.Errorf("%s does not match %s", tt.name, r.Pattern())
		}
	}
}

// Every action and pattern can be written into a policy that IAM takes.
func TestTablesMakePolicies(t *testing.T) {
	for _, service := range iamdata.Services() {
		for a := range iamdata.Actions(service) {
			resources := []string{"*"}
			for _, u := range a.Resources {
				if r, _ := iamdata.Resource(service, u.Type); strings.HasPrefix(r.Pattern(), "arn:*:"+service+":") {
					resources = append(resources, r.Pattern())
				}
			}
			g := policy.Grant{Kind: policy.Identity, Actions: []string{service + ":" + a.Name}, Resources: resources}
			doc := `{"Version":"2012-10-17","Statement":` + g.JSON() + `}`
			if _, err := policy.Parse(policy.Identity, doc); err != nil {
				t.Errorf("%s: %v", doc, err)
			}
		}
	}
}

func BenchmarkAction(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := iamdata.Action("s3", "PutObject"); !ok {
			b.Fatal("s3:PutObject is not known")
		}
	}
}
