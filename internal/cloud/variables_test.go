package cloud

import (
	"testing"

	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/awsapi/shapes/ssm"
)

// ${ssm:} is answered by the running cloud, secrets of Secrets Manager included.
func TestVariablesOfTheCloud(t *testing.T) {
	c, err := opened(t, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	root(t, c, ssm.PutParameter, &ssm.PutParameterRequest{Name: ptr("/secure"), Type: ptr("SecureString"), Value: ptr("hidden")})
	root(t, c, secretsmanager.CreateSecret, &secretsmanager.CreateSecretRequest{Name: ptr("db"), SecretString: ptr(`{"user":"ana"}`)})
	v := variableSource{c}
	for name, want := range map[string]string{"/secure": "hidden", "/aws/reference/secretsmanager/db": `{"user":"ana"}`} {
		p, ok, err := v.Parameter(t.Context(), "", name, true)
		if err != nil || !ok || p.Value != want || p.Type != "SecureString" {
			t.Errorf("%s: %+v, %v, %v", name, p, ok, err)
		}
	}
	for _, name := range []string{"/none", "/aws/reference/secretsmanager/none"} {
		if p, ok, err := v.Parameter(t.Context(), "", name, true); ok || err != nil {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, ok, err := v.Parameter(t.Context(), "eu-west-1", "/secure", true); ok || err != nil {
		t.Errorf("a parameter of another region: %v, %v", ok, err)
	}
}
