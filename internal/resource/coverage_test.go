package resource

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/stack"
	cfn "github.com/nube-run/nube/internal/stack/schema"
	"github.com/nube-run/nube/internal/template"
)

// recorder is a caller that writes down what it is asked and answers as if it
// had been done.
type recorder struct{ calls []string }

func (r *recorder) Call(_ context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r.calls = append(r.calls, op.Name+" "+string(raw))
	out := op.NewOutput()
	switch out := out.(type) {
	case *dynamodb.DescribeTableOutput:
		out.Table = &dynamodb.TableDescription{TableArn: ptr("arn:table")}
	case *iam.CreateRoleResponse:
		out.Role = &iam.Role{RoleName: ptr("role")}
	case *iam.GetRoleResponse:
		out.Role = &iam.Role{RoleName: ptr("role")}
	case *iam.CreateUserResponse:
		out.User = &iam.User{UserName: ptr("user")}
	case *iam.GetUserResponse:
		out.User = &iam.User{UserName: ptr("user")}
	case *iam.GetPolicyResponse:
		out.Policy = &iam.Policy{}
	case *apigateway.Stage:
		out.DeploymentId = ptr("before")
	}
	return out, nil
}

// TestEveryPropertyCounts sets each property of each type alone and holds the
// type to saying it to its service when the resource is created, and, if it can
// change in place, again when it changes. What is not said must be refused or
// declared to be without effect.
func TestEveryPropertyCounts(t *testing.T) {
	for _, typ := range Types(&recorder{}) {
		t.Run(strings.ReplaceAll(strings.TrimPrefix(typ.Schema.Name, "AWS::"), "::", " "), func(t *testing.T) {
			for _, path := range paths(typ.Table, typ.Schema.Properties, nil, 0) {
				dotted := strings.Join(path, ".")
				if excused(typ, dotted) {
					continue
				}
				base := sample(typ, nil, 0)
				one, two := sample(typ, path, 1), sample(typ, path, 2)
				plain, first := calls(t, typ, base, nil), calls(t, typ, one, nil)
				if slices.Equal(plain, first) {
					t.Errorf("%s makes no difference to how the resource is created:\n%s", dotted, strings.Join(first, "\n"))
				}
				if fixed(typ, path) || decided(typ, one, two) {
					continue
				}
				if same := calls(t, typ, one, one); slices.Equal(same, calls(t, typ, two, one)) {
					t.Errorf("%s makes no difference to how the resource is updated:\n%s", dotted, strings.Join(same, "\n"))
				}
			}
		})
	}
}

// excused reports whether a property, or what it is in, is refused or ignored,
// or is one of those that the test cannot see.
func excused(typ *stack.Type, dotted string) bool {
	lists := slices.Clone(typ.Refused)
	for _, ig := range typ.Ignored {
		lists = append(lists, ig.Property)
	}
	if typ.NameProperty != "" {
		lists = append(lists, typ.NameProperty) // the engine makes it the physical id
	}
	switch typ.Schema.Name {
	case "AWS::DynamoDB::Table":
		// What an update says depends on what the table is; TestTable.
		lists = append(lists, "DeletionProtectionEnabled", "AttributeDefinitions", "BillingMode", "ProvisionedThroughput", "OnDemandThroughput",
			"GlobalSecondaryIndexes", "SSESpecification", "StreamSpecification", "TimeToLiveSpecification", "TableClass")
	case "AWS::Logs::LogGroup":
		lists = append(lists, "LogGroupClass") // cannot be changed, and an attempt is an error
	case "AWS::Logs::QueryDefinition":
		lists = append(lists, "QueryLanguage") // there is one alone
	case "AWS::Lambda::Function":
		lists = append(lists, "Code.ZipFile") // only with some runtimes; TestInlined
	case "AWS::ApiGatewayV2::Stage":
		lists = append(lists, "RouteSettings") // JSON to the schema, and of a form to the service; TestHTTPAPILive
	case "AWS::KMS::Key":
		// Used when the key is deleted, said with another property, and not to be changed: TestKeysAndSecrets.
		lists = append(lists, "Enabled", "PendingWindowInDays", "RotationPeriodInDays", "KeySpec", "KeyUsage", "Origin", "BypassPolicyLockoutSafetyCheck")
	case "AWS::SecretsManager::Secret":
		lists = append(lists, "GenerateSecretString.GenerateStringKey", "GenerateSecretString.SecretStringTemplate") // they go together; TestKeysAndSecrets
	case "AWS::Scheduler::Schedule":
		lists = append(lists, "StartDate", "EndDate") // times; TestSchedules
	case "AWS::IAM::Policy":
		lists = append(lists, "PolicyName", "PolicyDocument") // said for each role, user and group, of which there may be none
	}
	return slices.ContainsFunc(lists, func(p string) bool { return dotted == p || strings.HasPrefix(dotted, p+".") })
}

// decided reports whether the engine would replace the resource, so that no
// update says anything.
func decided(typ *stack.Type, a, b *template.Value) bool {
	var names []string
	for _, p := range typ.Schema.Properties {
		if !same(a, b, p.Name) {
			if p.CreateOnly {
				return true
			}
			names = append(names, p.Name)
		}
	}
	return typ.Replaces != nil && typ.Replaces(a, b, names)
}

// fixed reports whether a change of the property at a path replaces the resource,
// for it cannot be changed, or what it is in cannot.
func fixed(typ *stack.Type, path []string) bool {
	props := typ.Schema.Properties
	for _, name := range path {
		i := slices.IndexFunc(props, func(p cfn.Property) bool { return p.Name == name })
		if i < 0 {
			return false // below a list or a map
		}
		if props[i].CreateOnly {
			return true
		}
		props = typ.Table.Shapes[props[i].Shape].Properties
	}
	return false
}

// calls returns what a type asks of its service to create a resource, or to
// update it from old.
func calls(t *testing.T, typ *stack.Type, props, old *template.Value) []string {
	t.Helper()
	rec := &recorder{}
	all := Types(rec)
	p := all.Find(typ.Schema.Name).Provider
	r := stack.Request{
		Stack: stack.StackRef{ID: "arn:aws:cloudformation:eu-central-1:123456789012:stack/app/1", Name: "app", Scope: arn.In("eu-central-1", "123456789012")},
		Type:  typ.Schema.Name, LogicalID: "It", PhysicalID: "arn:aws:lambda:eu-central-1:123456789012:function:it:1", Properties: props, Old: old,
	}
	do := p.Create
	if old != nil {
		do = p.Update
	}
	if _, err := do(t.Context(), r); err != nil {
		t.Errorf("%s: %v", props.AppendJSON(nil), err)
	}
	return rec.calls
}

// paths returns the paths of all properties, those inside of objects too.
func paths(table *cfn.Table, ps []cfn.Property, at []string, depth int) [][]string {
	var out [][]string
	for _, p := range ps {
		path := append(slices.Clone(at), p.Name)
		s := table.Shape(p.Shape)
		if s.Kind == cfn.List || s.Kind == cfn.Map {
			s = table.Shape(s.Elem)
		}
		if s.Kind == cfn.Object && s.Name != "Tag" && depth < 4 {
			out = append(out, paths(table, s.Properties, path, depth+1)...)
			continue
		}
		out = append(out, path)
	}
	return out
}

// sample returns properties with all that is required, and the one at path with
// a value made from n.
func sample(typ *stack.Type, path []string, n int) *template.Value {
	v := object(typ.Table, typ.Schema.Properties, path, n)
	if typ.Schema.Name == "AWS::ApiGateway::Deployment" && !v.Has("StageName") {
		v = v.With("StageName", template.New(template.Pos{}, "stage")) // needed to say anything of the stage
	}
	return v
}

func object(table *cfn.Table, ps []cfn.Property, path []string, n int) *template.Value {
	v := template.New(template.Pos{}, template.Object{})
	for _, p := range ps {
		on := len(path) > 0 && path[0] == p.Name
		if !on && !p.Required {
			continue
		}
		var rest []string
		k := 0
		if on {
			rest, k = path[1:], n
		}
		v = v.With(p.Name, filled(table, p, p.Shape, rest, k))
	}
	return v
}

func filled(table *cfn.Table, p cfn.Property, ref cfn.Ref, path []string, n int) *template.Value {
	s := table.Shape(ref)
	switch s.Kind {
	case cfn.Integer, cfn.Number:
		return template.New(template.Pos{}, n+1)
	case cfn.Boolean:
		return template.New(template.Pos{}, n == 1)
	case cfn.JSON:
		return template.New(template.Pos{}, map[string]any{"N": n})
	case cfn.List:
		return template.New(template.Pos{}, []*template.Value{filled(table, p, s.Elem, path, n)})
	case cfn.Map:
		return template.New(template.Pos{}, template.Object{{Key: "k", Value: filled(table, p, s.Elem, path, n)}})
	case cfn.Object:
		if s.Name == "Tag" {
			return template.New(template.Pos{}, map[string]any{"Key": "k", "Value": fmt.Sprint(n)})
		}
		v := object(table, s.Properties, path, n)
		if s.Name == "MethodSetting" && !v.Has("MetricsEnabled") {
			v = v.With("MetricsEnabled", template.New(template.Pos{}, true)) // for the method to have a setting at all
		}
		return v
	}
	return template.New(template.Pos{}, fmt.Sprintf("%s-%d", p.Name, n))
}

// TestTypesMatchTheSchemas holds the lists of this package to what the schemas
// have.
func TestTypesMatchTheSchemas(t *testing.T) {
	types := Types(&recorder{})
	if len(types) != len(names()) {
		t.Fatalf("%d types for %d names", len(types), len(names()))
	}
	for _, typ := range types {
		known := map[string]bool{}
		var add func(ps []cfn.Property, at string, depth int)
		add = func(ps []cfn.Property, at string, depth int) {
			for _, p := range ps {
				known[at+p.Name] = true
				s := typ.Table.Shape(p.Shape)
				for s.Kind == cfn.List || s.Kind == cfn.Map {
					s = typ.Table.Shape(s.Elem)
				}
				if depth < 4 {
					add(s.Properties, at+p.Name+".", depth+1)
				}
			}
		}
		add(typ.Schema.Properties, "", 0)
		lists := slices.Clone(typ.Refused)
		for _, ig := range typ.Ignored {
			lists = append(lists, ig.Property)
		}
		if typ.NameProperty != "" {
			lists = append(lists, typ.NameProperty)
		}
		for _, p := range lists {
			if !known[p] {
				t.Errorf("%s has no property %s; it has %v", typ.Schema.Name, p, slices.Sorted(maps.Keys(known)))
			}
		}
		if reflect.TypeOf(typ.Provider).PkgPath() == "" {
			t.Errorf("%s has no provider", typ.Schema.Name)
		}
	}
}
