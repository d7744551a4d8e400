package policy

import (
	"fmt"
	"strings"
	"testing"
)

func benchmark(b *testing.B, s Set, r Request, want Outcome) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if d := s.Evaluate(&r); d.Outcome != want {
			b.Fatalf("%+v", d)
		}
	}
}

// A function's role as frameworks write it: logs, a table, a queue.
func role(b *testing.B) []*Doc {
	return []*Doc{statements(b, Identity,
		`{"Effect":"Allow","Action":["logs:CreateLogStream","logs:CreateLogGroup","logs:TagResource"],"Resource":["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/shop*:*"]}`,
		`{"Effect":"Allow","Action":["logs:PutLogEvents"],"Resource":["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/shop*:*:*"]}`,
		`{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem","dynamodb:Query","dynamodb:UpdateItem"],"Resource":["arn:aws:dynamodb:eu-west-1:123456789012:table/orders","arn:aws:dynamodb:eu-west-1:123456789012:table/orders/index/*"]}`,
		`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:123456789012:orders*"}`)}
}

func BenchmarkRoleAllows(b *testing.B) {
	benchmark(b, Set{Identity: role(b)}, Request{Principal: worker, Action: "dynamodb:PutItem", Resource: scope.Table("orders")}, Allowed)
}

func BenchmarkRoleDenies(b *testing.B) {
	benchmark(b, Set{Identity: role(b)}, Request{Principal: worker, Action: "dynamodb:DeleteTable", Resource: scope.Table("orders")}, ImplicitDeny)
}

func BenchmarkRoleWithResourcePolicyAndConditions(b *testing.B) {
	s := Set{Identity: role(b), Resource: []*Doc{statements(b, Resource,
		`{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:123456789012:orders","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:*:t"}}}`,
		`{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`)}}
	benchmark(b, s, Request{Principal: worker, Action: "sqs:SendMessage", Resource: scope.Queue("orders"), Keys: KeyMap{"aws:securetransport": One("true")}}, Allowed)
}

func BenchmarkVariables(b *testing.B) {
	s := Set{Identity: []*Doc{statements(b, Identity, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/*"}`)}}
	benchmark(b, s, Request{Principal: ana, Action: "s3:GetObject", Resource: scope.Object("home", "ana/x"), Keys: KeyMap{"aws:username": One("ana")}}, Allowed)
}

func BenchmarkHundredStatements(b *testing.B) {
	var list []string
	for i := range 100 {
		list = append(list, fmt.Sprintf(`{"Effect":"Allow","Action":["svc%d:Get*","svc%d:List*","svc%d:PutThing"],"Resource":"*"}`, i, i, i))
	}
	benchmark(b, Set{Identity: []*Doc{statements(b, Identity, list...)}}, Request{Principal: ana, Action: "svc99:PutThing", Resource: "*"}, Allowed)
}

// A managed policy of AWS's that lists what may be read in every service.
func BenchmarkThousandActions(b *testing.B) {
	var list []string
	for i := range 1500 {
		list = append(list, fmt.Sprintf(`"svc%d:%s"`, i%200, []string{"Get*", "List*", "DescribeThing", "BatchGet*", "Search?"}[i%5]))
	}
	benchmark(b, Set{Identity: []*Doc{statements(b, Identity, `{"Effect":"Allow","Action":[`+strings.Join(list, ",")+`],"Resource":"*"}`)}},
		Request{Principal: ana, Action: "svc199:SearchA", Resource: "*"}, Allowed)
}

func BenchmarkParse(b *testing.B) {
	text := `{"Version":"2012-10-17","Statement":[` + strings.Repeat(`{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Put*"],"Resource":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders"},`, 3) +
		`{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(Identity, text); err != nil {
			b.Fatal(err)
		}
	}
}
