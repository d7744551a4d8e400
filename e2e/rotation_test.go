package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// account is the secret of examples/rotation.
type account struct {
	*cloud
	secrets *secretsmanager.Client
}

const accountSecret = "account-dev"

// TestRotation rotates the secret of examples/rotation with its function: when the
// stack is made, when it is asked for, and when the schedule says so; and sees what
// happens when a step fails.
//
// Mutations that it finds: steps in another order or not called again, a rotation
// that is not begun by its timer, a pending version that is made anew by the next.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
func TestRotation(t *testing.T) {
	c := start(t, "memory", "up", "../examples/rotation")
	a := &account{c, secretsmanager.NewFromConfig(c.config())}
	c.settle()
	a.clock(t, "stop")
	a.clock(t, "set", "2030-01-10T12:00:00Z") // what fell due in between begins once
	c.settle()
	t.Run("at once", func(t *testing.T) { rotateAtOnce(t, a) })
	t.Run("on a schedule", func(t *testing.T) { rotateOnSchedule(t, a) })
	t.Run("a step fails", func(t *testing.T) { rotationFails(t, a) })
	t.Run("switched off", func(t *testing.T) { rotationOff(t, a) })
	c.stop()
}

func rotateAtOnce(t *testing.T, a *account) {
	first, before := a.password(t, "AWSCURRENT"), a.describe(t)
	if !aws.ToBool(before.RotationEnabled) || before.LastRotatedDate == nil {
		t.Fatalf("the stack was made without a rotation: %+v", before)
	}
	if got := a.password(t, "AWSPREVIOUS"); got == first {
		t.Error("the rotation when the stack was made has not changed the password")
	}
	token := "11111111-2222-3333-4444-555555555555"
	out, err := a.secrets.RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{SecretId: aws.String(accountSecret), ClientRequestToken: &token})
	if err != nil || *out.VersionId != token {
		t.Fatalf("%v: %+v", err, out)
	}
	a.settle()
	after := a.describe(t)
	if got := after.VersionIdsToStages[token]; !slices.Equal(got, []string{"AWSCURRENT"}) {
		t.Errorf("the new version has the labels %q, of %v", got, after.VersionIdsToStages)
	}
	if got := a.password(t, "AWSPREVIOUS"); got != first {
		t.Errorf("the password before was %q, is %q", first, got)
	}
	if got := a.password(t, "AWSCURRENT"); got == first || len(got) != 32 {
		t.Errorf("the password was %q and is %q", first, got)
	}
	a.steps(t, token, "createSecret", "setSecret", "testSecret", "finishSecret")
}

func rotateOnSchedule(t *testing.T, a *account) {
	// The stack's: the first of each month, at four.
	was := a.password(t, "AWSCURRENT")
	if next := *a.describe(t).NextRotationDate; !next.Equal(time.Date(2030, 2, 1, 4, 0, 0, 0, time.UTC)) {
		t.Errorf("the next rotation is on %v", next)
	}
	a.clock(t, "set", "2030-02-01T03:59:00Z")
	a.settle()
	if got := a.password(t, "AWSCURRENT"); got != was {
		t.Error("it was rotated before its time")
	}
	a.clock(t, "advance", "2m")
	a.settle()
	if got := a.password(t, "AWSCURRENT"); got == was {
		t.Error("it was not rotated on the first")
	}
	if at := *a.describe(t).LastRotatedDate; at.Before(time.Date(2030, 2, 1, 4, 0, 0, 0, time.UTC)) {
		t.Errorf("it was rotated on %v", at)
	}

	// Every ten days, without a rotation at once.
	_, err := a.secrets.RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{
		SecretId: aws.String(accountSecret), RotateImmediately: aws.Bool(false), RotationRules: &types.RotationRulesType{ScheduleExpression: aws.String("rate(10 days)")},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.settle()
	seen := []string{a.password(t, "AWSCURRENT")}
	for range 2 {
		a.clock(t, "advance", "9d")
		a.settle()
		if got := a.password(t, "AWSCURRENT"); got != seen[len(seen)-1] {
			t.Error("it was rotated before ten days were over")
		}
		a.clock(t, "advance", "1d")
		a.settle()
		if got := a.password(t, "AWSCURRENT"); slices.Contains(seen, got) {
			t.Error("it was not rotated after ten days")
		} else {
			seen = append(seen, got)
		}
	}
}

// rotationFails locks the account: setSecret fails. What is current stays, the step
// is tried again with the version that was made, and the next rotation takes it up.
func rotationFails(t *testing.T, a *account) {
	was := a.password(t, "AWSCURRENT")
	a.lock(t, true)
	token := "99999999-2222-3333-4444-555555555555"
	_, err := a.secrets.RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{SecretId: aws.String(accountSecret), ClientRequestToken: &token})
	if err != nil {
		t.Fatal(err)
	}
	a.settle()
	a.steps(t, token, "createSecret", "setSecret")
	half := a.describe(t)
	if got := half.VersionIdsToStages[token]; !slices.Equal(got, []string{"AWSPENDING"}) {
		t.Errorf("the version whose rotation fails has the labels %q", got)
	}
	if got := a.password(t, "AWSCURRENT"); got != was {
		t.Error("the current version has changed, though the rotation failed")
	}
	pending := a.password(t, "AWSPENDING")
	_, err = a.secrets.RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{SecretId: aws.String(accountSecret)})
	if err == nil || !strings.Contains(err.Error(), "A previous rotation isn't complete") {
		t.Errorf("another rotation meanwhile: %v", err)
	}
	a.clock(t, "advance", "2h") // through all its attempts
	a.settle()
	a.steps(t, token, "createSecret", "setSecret", "setSecret", "setSecret", "setSecret", "setSecret")
	a.lock(t, false)
	a.clock(t, "advance", "10d")
	a.settle()
	if got := a.password(t, "AWSCURRENT"); got != pending {
		t.Errorf("the next rotation has made %q current, want %q, which was pending", got, pending)
	}
	if got := a.describe(t).VersionIdsToStages; !slices.Equal(got[token], []string{"AWSCURRENT"}) {
		t.Errorf("labels: %v", got)
	}
}

func rotationOff(t *testing.T, a *account) {
	if _, err := a.secrets.CancelRotateSecret(t.Context(), &secretsmanager.CancelRotateSecretInput{SecretId: aws.String(accountSecret)}); err != nil {
		t.Fatal(err)
	}
	was := a.password(t, "AWSCURRENT")
	a.clock(t, "advance", "60d")
	a.settle()
	if got := a.password(t, "AWSCURRENT"); got != was {
		t.Error("it was rotated though that is switched off")
	}
}

func (a *account) clock(t *testing.T, args ...string) {
	t.Helper()
	if out, code := a.nube(append([]string{"clock"}, args...)...); code != 0 {
		t.Fatal(out)
	}
}

func (a *account) describe(t *testing.T) *secretsmanager.DescribeSecretOutput {
	t.Helper()
	out, err := a.secrets.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String(accountSecret)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (a *account) password(t *testing.T, stage string) string {
	t.Helper()
	out, err := a.secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(accountSecret), VersionStage: &stage})
	if err != nil {
		t.Fatal(err)
	}
	var login struct{ Username, Password string }
	if err := json.Unmarshal([]byte(*out.SecretString), &login); err != nil || login.Username != "app" {
		t.Fatalf("%v in %s", err, *out.SecretString)
	}
	return login.Password
}

// steps are what the function was called for with a version.
func (a *account) steps(t *testing.T, token string, want ...string) {
	t.Helper()
	out, code := a.nube("logs", "rotator", "--output", "json")
	if code != 0 {
		t.Fatal(out)
	}
	var got []string
	for line := range strings.Lines(out) {
		if _, rest, ok := strings.Cut(line, "STEP "); ok && strings.Contains(rest, token) {
			step, _, _ := strings.Cut(rest, " ")
			got = append(got, step)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the function was called for %q, want %q", got, want)
	}
}

// lock keeps the password of the account from being changed, or lets it.
func (a *account) lock(t *testing.T, locked bool) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(a.config()).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("accounts-dev"), Key: map[string]dynamodbtypes.AttributeValue{"name": &dynamodbtypes.AttributeValueMemberS{Value: "app"}},
		UpdateExpression: aws.String("SET locked = :l"), ExpressionAttributeValues: map[string]dynamodbtypes.AttributeValue{":l": &dynamodbtypes.AttributeValueMemberBOOL{Value: locked}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
