package resource_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/seal"
)

// sealer seals with a key of the test's.
type sealer struct{ keys seal.Keys }

func (s sealer) Seal(_ context.Context, text, associated []byte) ([]byte, error) {
	return s.keys.Seal(text, associated), nil
}

func (s sealer) Open(_ context.Context, envelope, associated []byte) ([]byte, error) {
	return s.keys.Open(envelope, associated)
}

const secretsV1 = `
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      Description: for orders
      EnableKeyRotation: true
      RotationPeriodInDays: 100
      PendingWindowInDays: 7
      Tags: [{Key: team, Value: blue}]
      KeyPolicy:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"}, Action: "kms:*", Resource: "*"}]
  Alias:
    Type: AWS::KMS::Alias
    Properties: {AliasName: alias/orders, TargetKeyId: !Ref Key}
  Url:
    Type: AWS::SSM::Parameter
    Properties: {Name: /shop/url, Type: String, Value: "http://one", Tags: {team: blue}}
  Unnamed:
    Type: AWS::SSM::Parameter
    Properties: {Type: StringList, Value: "a,b"}
  Password:
    Type: AWS::SecretsManager::Secret
    Properties:
      Name: shop/db
      KmsKeyId: !GetAtt Key.Arn
      GenerateSecretString: {SecretStringTemplate: '{"username":"shop"}', GenerateStringKey: password, PasswordLength: 20, ExcludePunctuation: true}
  Given:
    Type: AWS::SecretsManager::Secret
    Properties: {SecretString: "{{resolve:ssm:/shop/url}}/x"}
    DependsOn: Url
  Policy:
    Type: AWS::SecretsManager::ResourcePolicy
    Properties:
      SecretId: !Ref Password
      BlockPublicPolicy: true
      ResourcePolicy:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"}, Action: "secretsmanager:GetSecretValue", Resource: "*"}]
Outputs:
  Key: {Value: !Ref Key}
  Alias: {Value: !Ref Alias}
  Url: {Value: !GetAtt Url.Value}
  Unnamed: {Value: !Ref Unnamed}
  Password: {Value: !Ref Password}
  Given: {Value: !Ref Given}
`

func TestKeysAndSecrets(t *testing.T) {
	l := newLive(t)
	st := l.up(secretsV1)
	key := output(st, "Key")
	m := ask(l, kms.DescribeKey, &kms.DescribeKeyRequest{KeyId: ptr("alias/orders")}).KeyMetadata
	if *m.KeyId != key || *m.Description != "for orders" || output(st, "Alias") != "alias/orders" {
		t.Errorf("%+v", m)
	}
	if r := ask(l, kms.GetKeyRotationStatus, &kms.GetKeyRotationStatusRequest{KeyId: &key}); *r.RotationPeriodInDays != 100 {
		t.Errorf("%+v", r)
	}
	if got := output(st, "Url"); got != "http://one" || !strings.HasPrefix(output(st, "Unnamed"), "app-Unnamed-") {
		t.Errorf("outputs: %v", st.Outputs)
	}
	value := func(name string) string {
		return *ask(l, secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueRequest{SecretId: ptr(output(st, name))}).SecretString
	}
	var login struct{ Username, Password string }
	if err := json.Unmarshal([]byte(value("Password")), &login); err != nil || login.Username != "shop" || len(login.Password) != 20 {
		t.Errorf("%+v, %v", login, err)
	}
	if got := value("Given"); got != "http://one/x" {
		t.Error(got)
	}
	if p := ask(l, secretsmanager.GetResourcePolicy, &secretsmanager.GetResourcePolicyRequest{SecretId: ptr("shop/db")}).ResourcePolicy; p == nil || !strings.Contains(*p, ":root") {
		t.Error(p)
	}
	before := value("Password")
	st = l.up(strings.NewReplacer("http://one", "http://two", "for orders", "for all", "RotationPeriodInDays: 100", "RotationPeriodInDays: 200", "Value: blue", "Value: red", "{team: blue}", "{team: red, more: x}").Replace(secretsV1))
	if got := output(st, "Url"); got != "http://two" || output(st, "Key") != key || value("Password") != before {
		t.Errorf("outputs: %v", st.Outputs)
	}
	tags := ask(l, ssm.ListTagsForResource, &ssm.ListTagsForResourceRequest{ResourceType: ptr("Parameter"), ResourceId: ptr("/shop/url")}).TagList
	if len(tags) != 2 || *tags[1].Value != "red" {
		t.Errorf("%+v", tags)
	}
	l.down()
	if state := *ask(l, kms.DescribeKey, &kms.DescribeKeyRequest{KeyId: &key}).KeyMetadata.KeyState; state != "PendingDeletion" {
		t.Error(state)
	}
	if list := ask(l, secretsmanager.ListSecrets, &secretsmanager.ListSecretsRequest{IncludePlannedDeletion: ptr(true)}).SecretList; len(list) != 0 {
		t.Errorf("%d secrets are left", len(list))
	}
}

// What a template refers to is read when a resource is made, and kept nowhere.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func TestDynamicReferences(t *testing.T) {
	l := newLive(t)
	put := func(name, kind, value string) {
		t.Helper()
		ask(l, ssm.PutParameter, &ssm.PutParameterRequest{Name: &name, Type: &kind, Value: &value, Overwrite: ptr(true)})
	}
	put("/plain", "String", "one")
	put("/plain", "String", "two")
	put("/list", "StringList", "a, b")
	put("/secure", "SecureString", "hidden")
	ask(l, secretsmanager.CreateSecret, &secretsmanager.CreateSecretRequest{Name: ptr("db"), SecretString: ptr(`{"user":"ana","port":5432}`)})
	const body = `
Parameters:
  Plain: {Type: "AWS::SSM::Parameter::Value<String>", Default: /plain}
  List: {Type: "AWS::SSM::Parameter::Value<List<String>>", Default: /list}
Resources:
  Out:
    Type: AWS::SSM::Parameter
    Properties:
      Name: /out
      Type: String
      Value: !Sub "${Plain} {{resolve:ssm:/plain:1}} {{resolve:ssm-secure:/secure}} {{resolve:secretsmanager:db:SecretString:user}} {{resolve:secretsmanager:db:SecretString:port}}"
      Description: !Join ["+", !Ref List]
Outputs:
  Plain: {Value: !Ref Plain}
`
	st := l.up(body)
	p := ask(l, ssm.GetParameter, &ssm.GetParameterRequest{Name: ptr("/out")}).Parameter
	if want := "two one hidden ana 5432"; *p.Value != want || output(st, "Plain") != "two" {
		t.Errorf("%q, want %q; %v", *p.Value, want, st.Outputs)
	}
	if m := ask(l, ssm.DescribeParameters, &ssm.DescribeParametersRequest{ParameterFilters: []ssm.ParameterStringFilter{{Key: ptr("Name"), Values: []string{"/out"}}}}).Parameters[0]; *m.Description != "a+b" {
		t.Errorf("%+v", m)
	}
	// The parameter is read again by an update, though the template is the same.
	put("/plain", "String", "three")
	if st = l.up(body); output(st, "Plain") != "three" {
		t.Error(st.Outputs)
	}
}
