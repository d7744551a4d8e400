package arn_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want arn.Parts
	}{
		{"arn:aws:s3:::photos/2026/cat.jpg", arn.Parts{"aws", "s3", "", "", "photos/2026/cat.jpg"}},
		{"arn:aws:iam::123456789012:role/app/worker", arn.Parts{"aws", "iam", "", "123456789012", "role/app/worker"}},
		{"arn:aws:iam::aws:policy/AdministratorAccess", arn.Parts{"aws", "iam", "", "aws", "policy/AdministratorAccess"}},
		{"arn:aws-cn:lambda:cn-north-1:123456789012:function:resize:prod", arn.Parts{"aws-cn", "lambda", "cn-north-1", "123456789012", "function:resize:prod"}},
		{"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/resize:*", arn.Parts{"aws", "logs", "eu-west-1", "123456789012", "log-group:/aws/lambda/resize:*"}},
		{"arn:aws:apigateway:eu-west-1::/restapis/a1b2", arn.Parts{"aws", "apigateway", "eu-west-1", "", "/restapis/a1b2"}},
	}
	for _, tt := range tests {
		a, err := arn.Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, a.Parts()); diff != "" {
			t.Errorf("Parse(%q) parts (-want +got):\n%s", tt.in, diff)
		}
		if a.String() != tt.in || a.Parts().ARN() != a {
			t.Errorf("Parse(%q) does not come back: %q, %q", tt.in, a, a.Parts().ARN())
		}
		got := arn.Parts{a.Partition(), a.Service(), a.Region(), a.Account(), a.Resource()}
		if got != tt.want {
			t.Errorf("accessors of %q = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ in, why string }{
		{"", "does not begin"},
		{"orders", "does not begin"},
		{"ARN:aws:sqs:eu-west-1:123456789012:orders", "does not begin"},
		{"arn:aws:sqs:eu-west-1:123456789012", "fewer than six parts"},
		{"arn::sqs:eu-west-1:123456789012:orders", "partition is empty"},
		{"arn:aws::eu-west-1:123456789012:orders", "service is empty"},
		{"arn:aws:sqs:eu-west-1:123456789012:", "resource is empty"},
		{"arn:*:sqs:eu-west-1:123456789012:orders", `partition "*"`},
		{"arn:aws:s*:eu-west-1:123456789012:orders", `service "s*"`},
		{"arn:aws:sqs:eu west:123456789012:orders", `region "eu west"`},
		{"arn:aws:sqs:eu-west-1:1234:orders", `account "1234"`},
		{"arn:aws:sqs:eu-west-1:12345678901x:orders", "not twelve digits"},
		{"arn:aws:sqs:eu-west-1:123456789012:a\nb", "control character"},
		{"arn:aws:s3:::" + strings.Repeat("x", 2048), "longer than 2048"},
	} {
		_, err := arn.Parse(tt.in)
		if !errors.Is(err, arn.ErrInvalid) || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("Parse(%.60q) = %v, want an invalid ARN because %s", tt.in, err, tt.why)
		}
		if arn.IsARN(tt.in) {
			t.Errorf("IsARN(%.60q)", tt.in)
		}
	}
}

func TestResourceParts(t *testing.T) {
	for _, tt := range []struct {
		in            arn.ARN
		typ, id, name string
	}{
		{"arn:aws:lambda:eu-west-1:123456789012:function:resize:prod", "function", "resize:prod", "prod"},
		{"arn:aws:iam::123456789012:role/app/worker", "role", "app/worker", "worker"},
		{"arn:aws:sqs:eu-west-1:123456789012:orders", "", "orders", "orders"},
		{"", "", "", ""},
	} {
		if typ, id, name := tt.in.ResourceType(), tt.in.ResourceID(), tt.in.Name(); typ != tt.typ || id != tt.id || name != tt.name {
			t.Errorf("%q: type %q id %q name %q, want %q %q %q", tt.in, typ, id, name, tt.typ, tt.id, tt.name)
		}
	}
}

func TestForms(t *testing.T) {
	s := arn.In("eu-west-1", "123456789012")
	for _, tt := range []struct {
		got  arn.ARN
		want string
	}{
		{s.Root(), "arn:aws:iam::123456789012:root"},
		{s.User("", "ana"), "arn:aws:iam::123456789012:user/ana"},
		{s.Group("/dev/", "all"), "arn:aws:iam::123456789012:group/dev/all"},
		{s.Role("/app/", "worker"), "arn:aws:iam::123456789012:role/app/worker"},
		{s.Policy("/", "p"), "arn:aws:iam::123456789012:policy/p"},
		{s.InstanceProfile("", "p"), "arn:aws:iam::123456789012:instance-profile/p"},
		{s.AWSPolicy("/service-role/", "AWSLambdaBasicExecutionRole"), "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"},
		{s.AssumedRole("worker", "i-1"), "arn:aws:sts::123456789012:assumed-role/worker/i-1"},
		{s.FederatedUser("ana"), "arn:aws:sts::123456789012:federated-user/ana"},
		{s.Function("resize"), "arn:aws:lambda:eu-west-1:123456789012:function:resize"},
		{s.FunctionVersion("resize", ""), "arn:aws:lambda:eu-west-1:123456789012:function:resize"},
		{s.FunctionVersion("resize", "7"), "arn:aws:lambda:eu-west-1:123456789012:function:resize:7"},
		{s.Layer("l"), "arn:aws:lambda:eu-west-1:123456789012:layer:l"},
		{s.LayerVersion("l", "2"), "arn:aws:lambda:eu-west-1:123456789012:layer:l:2"},
		{s.EventSourceMapping("u"), "arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:u"},
		{s.RestAPI("a1"), "arn:aws:apigateway:eu-west-1::/restapis/a1"},
		{s.HTTPAPI("a1"), "arn:aws:apigateway:eu-west-1::/apis/a1"},
		{s.Execute("a1", "dev", "GET", "/pets/1"), "arn:aws:execute-api:eu-west-1:123456789012:a1/dev/GET/pets/1"},
		{s.StateMachine("m"), "arn:aws:states:eu-west-1:123456789012:stateMachine:m"},
		{s.Execution("m", "e"), "arn:aws:states:eu-west-1:123456789012:execution:m:e"},
		{s.Stack("shop", "u"), "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/u"},
		{s.Table("t"), "arn:aws:dynamodb:eu-west-1:123456789012:table/t"},
		{s.Index("t", "i"), "arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i"},
		{s.TableStream("t", "2026-01-01T00:00:00.000"), "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000"},
		{s.Bucket("b"), "arn:aws:s3:::b"},
		{s.Object("b", "k/1"), "arn:aws:s3:::b/k/1"},
		{s.Queue("q"), "arn:aws:sqs:eu-west-1:123456789012:q"},
		{s.Topic("t"), "arn:aws:sns:eu-west-1:123456789012:t"},
		{s.Subscription("t", "u"), "arn:aws:sns:eu-west-1:123456789012:t:u"},
		{s.EventBus("default"), "arn:aws:events:eu-west-1:123456789012:event-bus/default"},
		{s.Rule("default", "r"), "arn:aws:events:eu-west-1:123456789012:rule/r"},
		{s.Rule("shop", "r"), "arn:aws:events:eu-west-1:123456789012:rule/shop/r"},
		{s.Schedule("default", "s"), "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/s"},
		{s.ScheduleGroup("g"), "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/g"},
		{s.LogGroup("/aws/lambda/f"), "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/f"},
		{s.LogStream("g", "s"), "arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:s"},
		{s.Alarm("a"), "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"},
		{s.Parameter("/shop/db"), "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db"},
		{s.Parameter("db"), "arn:aws:ssm:eu-west-1:123456789012:parameter/db"},
		{s.Secret("db", "AbCdEf"), "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"},
		{s.Key("u"), "arn:aws:kms:eu-west-1:123456789012:key/u"},
		{s.KeyAlias("alias/app"), "arn:aws:kms:eu-west-1:123456789012:alias/app"},
		{s.Identity("a@example.com"), "arn:aws:ses:eu-west-1:123456789012:identity/a@example.com"},
	} {
		if tt.got.String() != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
		if !arn.IsARN(tt.want) {
			t.Errorf("%s does not parse", tt.want)
		}
	}
	if got := s.Table("t").Scope(); got != s {
		t.Errorf("Scope = %v, want %v", got, s)
	}
	if got := (arn.Scope{Account: "123456789012"}).Root(); got != "arn:aws:iam::123456789012:root" {
		t.Errorf("zero partition: %s", got)
	}
}

func TestPartitionOf(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov",
		"us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "eusc-de-east-1": "aws-eusc", "": "aws",
	} {
		if got := arn.PartitionOf(region); got != want {
			t.Errorf("PartitionOf(%q) = %q, want %q", region, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:lambda:eu-west-1:123456789012:function:resize:prod")
	f.Add("arn:aws:s3:::b/k")
	f.Add("arn:::::")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := arn.Parse(s)
		if err != nil {
			return
		}
		if a.String() != s || a.Parts().ARN() != a {
			t.Errorf("%q does not come back: %q", s, a.Parts().ARN())
		}
		if p := a.Parts(); p.Partition == "" || p.Service == "" || p.Resource == "" {
			t.Errorf("%q parsed with an empty part: %+v", s, p)
		}
		if !arn.Match(s, s) {
			t.Errorf("%q does not match itself", s)
		}
	})
}
