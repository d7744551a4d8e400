package dynamodb

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/policy"
)

// user is one user with one policy.
type user struct{ set *policy.Set }

const userARN = "arn:aws:iam::" + testAccount + ":user/alice"

func (u user) Key(context.Context, string, string) (awsapi.Credential, bool, error) {
	return awsapi.Credential{}, false, nil
}

func (u user) Policies(context.Context, *awsapi.Actor) (*policy.Set, error) {
	set := *u.set
	return &set, nil
}

// as is the cloud as a user with this policy sees it.
func (c *cloud) as(document string) *cloud {
	c.t.Helper()
	doc, err := policy.Parse(policy.Identity, document)
	if err != nil {
		c.t.Fatal(err)
	}
	d := *c
	d.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{c.s.API()}, Account: testAccount, Region: testRegion, Model: c.clock, Enforcement: awsapi.Enforce,
		Identities: user{&policy.Set{Identity: []*policy.Doc{doc}}},
	})
	actor := awsapi.Actor{Account: testAccount, UserID: "alice", Principal: policy.Principal{ARN: userARN}}
	d.ctx = awsapi.As(c.ctx, actor)
	return &d
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
func TestConditionKeys(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	c.do("PutItem", `{"TableName":"orders","Item":{"h":{"S":"alice"},"r":{"N":"1"},"g":{"S":"alice"},"v":{"S":"x"}}}`)
	statement := func(actions, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":["arn:aws:dynamodb:*:*:table/orders","arn:aws:dynamodb:*:*:table/orders/index/byg"],"Condition":` + condition + `}]}`
	}
	leading := statement(`"dynamodb:*"`, `{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["alice"]}}`)
	attributes := statement(`"dynamodb:*"`, `{"ForAllValues:StringEquals":{"dynamodb:Attributes":["h","r","v"]},"StringEqualsIfExists":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES","dynamodb:ReturnValues":["NONE","UPDATED_NEW"]}}`)
	enclosing := statement(`["dynamodb:PutItem","dynamodb:ConditionCheckItem","dynamodb:GetItem"]`, `{"ForAnyValue:StringEquals":{"dynamodb:EnclosingOperation":["TransactWriteItems","TransactGetItems"]}}`)
	scanning := statement(`"dynamodb:PartiQLSelect"`, `{"Bool":{"dynamodb:FullTableScan":"false"}}`)
	const key = `{"h":{"S":"alice"},"r":{"N":"1"}}`
	const other = `{"h":{"S":"bob"},"r":{"N":"1"}}`
	tests := []struct {
		name, policy, operation, request string
		allowed                          bool
	}{
		{"own item", leading, "GetItem", `{"TableName":"orders","Key":` + key + `}`, true},
		{"another's item", leading, "GetItem", `{"TableName":"orders","Key":` + other + `}`, false},
		{"own put", leading, "PutItem", `{"TableName":"orders","Item":` + key + `}`, true},
		{"another's put", leading, "PutItem", `{"TableName":"orders","Item":` + other + `}`, false},
		{"own query", leading, "Query", `{"TableName":"orders","KeyConditionExpression":"h = :h","ExpressionAttributeValues":{":h":{"S":"alice"}}}`, true},
		{"another's query", leading, "Query", `{"TableName":"orders","KeyConditionExpression":"h = :h","ExpressionAttributeValues":{":h":{"S":"bob"}}}`, false},
		{"legacy query", leading, "Query", `{"TableName":"orders","KeyConditions":{"h":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"bob"}]}}}`, false},
		{"own query of an index", leading, "Query", `{"TableName":"orders","IndexName":"byg","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"alice"}}}`, true},
		{"another's query of an index", leading, "Query", `{"TableName":"orders","IndexName":"byg","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"bob"}}}`, false},
		{"an index without permission", leading, "Query", `{"TableName":"orders","IndexName":"bygl","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"alice"}}}`, false},
		{"a batch with another's item", leading, "BatchGetItem", `{"RequestItems":{"orders":{"Keys":[` + key + `,` + other + `]}}}`, false},
		{"a batch of own items", leading, "BatchWriteItem", `{"RequestItems":{"orders":[{"PutRequest":{"Item":` + key + `}}]}}`, true},
		{"a transaction with another's item", leading, "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"orders","Item":` + key + `}},{"Delete":{"TableName":"orders","Key":` + other + `}}]}`, false},
		{"listed attributes", attributes, "GetItem", `{"TableName":"orders","Key":` + key + `,"ProjectionExpression":"v"}`, true},
		{"an unlisted attribute", attributes, "GetItem", `{"TableName":"orders","Key":` + key + `,"ProjectionExpression":"v, g"}`, false},
		{"update of a listed attribute", attributes, "UpdateItem", `{"TableName":"orders","Key":` + key + `,"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":{"S":"y"}},"ReturnValues":"UPDATED_NEW"}`, true},
		{"update of an unlisted attribute", attributes, "UpdateItem", `{"TableName":"orders","Key":` + key + `,"UpdateExpression":"SET w = :v","ExpressionAttributeValues":{":v":{"S":"y"}}}`, false},
		{"return values", attributes, "UpdateItem", `{"TableName":"orders","Key":` + key + `,"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":{"S":"y"}},"ReturnValues":"ALL_NEW"}`, false},
		{"select", attributes, "Query", `{"TableName":"orders","Select":"ALL_ATTRIBUTES","KeyConditionExpression":"h = :h","ExpressionAttributeValues":{":h":{"S":"alice"}}}`, false},
		{"only in a transaction, alone", enclosing, "PutItem", `{"TableName":"orders","Item":` + key + `}`, false},
		{"only in a transaction, in one", enclosing, "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"orders","Item":` + key + `}},{"ConditionCheck":{"TableName":"orders","Key":` + other + `,"ConditionExpression":"attribute_not_exists(h)"}}]}`, true},
		{"only in a transaction, read", enclosing, "TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"orders","Key":` + key + `}}]}`, true},
		{"own statement", leading, "ExecuteStatement", `{"Statement":"SELECT * FROM orders WHERE h = 'alice'"}`, true},
		{"own statement by parameter", leading, "ExecuteStatement", `{"Statement":"UPDATE orders SET w = 1 WHERE h = ? AND r = 1","Parameters":[{"S":"alice"}]}`, true},
		{"another's statement", leading, "ExecuteStatement", `{"Statement":"SELECT * FROM orders WHERE h = 'bob'"}`, false},
		{"another's among the choices", leading, "ExecuteStatement", `{"Statement":"SELECT * FROM orders WHERE h IN ['alice', 'bob']"}`, false},
		{"another's behind an own key", leading, "ExecuteStatement", `{"Statement":"UPDATE orders SET w = 1 WHERE h IN ['alice'] AND h = 'bob' AND r = 1","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`, false},
		{"another's insert", leading, "ExecuteStatement", `{"Statement":"INSERT INTO orders VALUE {'h': 'bob', 'r': 1}"}`, false},
		{"own insert", leading, "ExecuteStatement", `{"Statement":"INSERT INTO orders VALUE {'h': 'alice', 'r': 7}"}`, true},
		{"another's delete in a batch", leading, "BatchExecuteStatement", `{"Statements":[{"Statement":"DELETE FROM orders WHERE h = 'alice' AND r = 7"},{"Statement":"DELETE FROM orders WHERE h = 'bob' AND r = 7"}]}`, false},
		{"another's delete in a transaction", leading, "ExecuteTransaction", `{"TransactStatements":[{"Statement":"DELETE FROM orders WHERE h = 'bob' AND r = 7"}]}`, false},
		{"statement on an index without permission", leading, "ExecuteStatement", `{"Statement":"SELECT * FROM orders.bygl WHERE g = 'alice'"}`, false},
		{"statement on an index", leading, "ExecuteStatement", `{"Statement":"SELECT * FROM orders.byg WHERE g = 'alice'"}`, true},
		{"statement of listed attributes", attributes, "ExecuteStatement", `{"Statement":"SELECT v FROM orders WHERE h = 'alice'"}`, true},
		{"statement with an unlisted attribute", attributes, "ExecuteStatement", `{"Statement":"SELECT v FROM orders WHERE h = 'alice' AND g = 'alice'"}`, false},
		{"a statement that reads one partition", scanning, "ExecuteStatement", `{"Statement":"SELECT * FROM orders WHERE h = 'alice' OR h = 'bob'"}`, true},
		{"a statement that reads the table", scanning, "ExecuteStatement", `{"Statement":"SELECT * FROM orders WHERE h = 'alice' OR v = 'x'"}`, false},
		{"a statement that reads the table by a range", scanning, "ExecuteStatement", `{"Statement":"SELECT * FROM orders WHERE h >= 'alice'"}`, false},
		{"a write by statement", scanning, "ExecuteStatement", `{"Statement":"DELETE FROM orders WHERE h = 'alice' AND r = 7"}`, false},
		{"another table", leading, "Scan", `{"TableName":"missing"}`, false},
		{"a table by its ARN", leading, "DescribeTable", `{"TableName":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders"}`, true},
	}
	for _, tt := range tests {
		got := c.as(tt.policy).try(tt.operation, tt.request)
		if denied := strings.HasPrefix(got, "AccessDenied"); denied == tt.allowed {
			t.Errorf("%s: %s", tt.name, got)
		} else if tt.allowed && !strings.HasPrefix(got, "{") {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html
func TestResourcePolicy(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	const table = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
	alice := c.as(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:Query","Resource":"*"}]}`)
	const get = `{"TableName":"orders","Key":{"h":{"S":"a"},"r":{"N":"1"}}}`
	if got := alice.try("GetItem", get); !strings.HasPrefix(got, "AccessDenied") {
		t.Errorf("without a policy: %s", got)
	}
	if got := c.try("GetResourcePolicy", `{"ResourceArn":"`+table+`"}`); !strings.HasPrefix(got, "PolicyNotFoundException") {
		t.Errorf("no policy: %s", got)
	}
	put := func(document, more string) string {
		return c.try("PutResourcePolicy", `{"ResourceArn":"`+table+`","Policy":"`+strings.ReplaceAll(document, `"`, `\"`)+`"`+more+`}`)
	}
	allow := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":"dynamodb:GetItem","Resource":"` + table + `"}]}`
	deny := strings.Replace(strings.Replace(allow, "Allow", "Deny", 1), "GetItem", "Query", 1)
	first := put(allow, "")
	if got := alice.try("GetItem", get); got != "{}" {
		t.Errorf("allowed by the table: %s", got)
	}
	if got := put(deny, `,"ExpectedRevisionId":"something"`); !strings.HasPrefix(got, "PolicyNotFoundException") {
		t.Errorf("another revision: %s", got)
	}
	if got := put(deny, `,"ExpectedRevisionId":"`+field(t, first, "RevisionId").(string)+`"`); !strings.HasPrefix(got, "{") {
		t.Errorf("the right revision: %s", got)
	}
	if got := alice.try("Query", `{"TableName":"orders","KeyConditionExpression":"h = :h","ExpressionAttributeValues":{":h":{"S":"a"}}}`); !strings.HasPrefix(got, "AccessDenied") {
		t.Errorf("denied by the table: %s", got)
	}
	if got := put("{", ""); !strings.HasPrefix(got, "ValidationException: Invalid policy document") {
		t.Errorf("no document: %s", got)
	}
	c.do("DeleteResourcePolicy", `{"ResourceArn":"`+table+`"}`)
	if got := alice.try("GetItem", get); !strings.HasPrefix(got, "AccessDenied") {
		t.Errorf("after the policy: %s", got)
	}
}

// What is remembered of a policy goes with it: a table whose policy changes all the time costs no more than another.
func TestOldPoliciesAreForgotten(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	const table = arn.ARN("arn:aws:dynamodb:eu-west-1:123456789012:table/orders")
	put := func(action string) {
		document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"dynamodb:` + action + `","Resource":"*"}]}`
		c.do("PutResourcePolicy", fmt.Sprintf(`{"ResourceArn":%q,"Policy":%q}`, table, document))
	}
	read := func(resource arn.ARN) *policy.Doc {
		t.Helper()
		doc, err := c.s.ResourcePolicy(c.ctx, resource)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	put("GetItem")
	if read(table) == nil || read(table) != read(table+"/index/byg") {
		t.Error("the policy is not parsed once, or is not that of the indexes")
	}
	if read(table+"/stream/2026-11-21T10:00:00.000") != nil {
		t.Error("a stream has the policy of its table")
	}
	old := weak.Make(read(table))
	put("PutItem")
	if read(table) == old.Value() {
		t.Error("the policy has not changed")
	}
	runtime.GC()
	if old.Value() != nil {
		t.Error("the old policy is still in memory")
	}
}
