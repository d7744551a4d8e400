package apigateway

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// TestLayout holds keys and rows to what is written down: stores of today are
// opened by the programs of tomorrow.
func TestLayout(t *testing.T) {
	sp, at := spaceOf(arn.In("eu-west-1", "123456789012")), clock.Unix(1_700_000_000, 0)
	var out strings.Builder
	for _, k := range []kv.Key{
		sp.api("a"), sp.resource("a", "r"), sp.deployment("a", "d"), sp.stage("a", "dev"), sp.response("a", "DEFAULT_4XX"), sp.account(),
		sp.part(authorizerKind, "a", "x"), sp.part(validatorKind, "a", "x"), sp.part(modelKind, "a", "Pet"), sp.apiKey("k"), sp.usagePlan("p"),
		sp.planKey("p", "k"), sp.usage("p", "k", dayOf(at)), sp.extension("p", "k"), sp.domain("api.example.com"), sp.mapping("api.example.com", "v1"),
	} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	r := &resource{ID: "r", Parent: "root", PathPart: "{id}", Path: "/{id}", Methods: map[string]*shapes.Method{"GET": {HttpMethod: ptr("GET")}}}
	for _, row := range []any{
		api{shapes.RestApi{Id: ptr("a"), Name: ptr("n"), CreatedDate: &at, RootResourceId: ptr("root")}}, r,
		deployment{
			Deployment: shapes.Deployment{Id: ptr("d"), CreatedDate: &at}, Resources: []*resource{r}, Binary: []string{"image/png"},
			Responses:   map[string]*shapes.GatewayResponse{"DEFAULT_4XX": {StatusCode: ptr("418")}},
			Authorizers: map[string]*shapes.Authorizer{"x": {Id: ptr("x")}}, Validators: map[string]*shapes.RequestValidator{"x": {Id: ptr("x")}},
			Models: map[string]*shapes.ModelShape{"Pet": {Name: ptr("Pet")}}, Policy: "{}", KeySource: "HEADER", Compress: ptr(int32(1)),
		},
		shapes.Stage{StageName: ptr("dev"), DeploymentId: ptr("d"), Variables: map[string]string{"k": "v"}, CreatedDate: &at},
		shapes.ApiKey{Id: ptr("k"), Value: ptr("v"), Enabled: ptr(true), StageKeys: []string{"a/dev"}, CreatedDate: &at},
		shapes.UsagePlan{Id: ptr("p"), ApiStages: []shapes.ApiStage{{ApiId: ptr("a"), Stage: ptr("dev")}}, Quota: &shapes.QuotaSettings{Limit: ptr(int32(1))}},
		shapes.UsagePlanKey{Id: ptr("k"), Type: ptr("API_KEY")}, extension{Start: dayOf(at), Extra: 5},
		shapes.DomainName{DomainName: ptr("api.example.com")}, shapes.BasePathMapping{BasePath: ptr("v1"), RestApiId: ptr("a")},
	} {
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%T %s\n", row, b)
	}
	const path = "testdata/layout.golden"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
