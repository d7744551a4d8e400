package sts_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/awstest"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sts"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/service/sts"
)

var update = flag.Bool("update", false, "write the golden files")

const account = "123456789012"

// noon is where the model clock of the tests stands: 2026-03-01T12:00:00Z.
const noon = 1772366400

// issuer makes the sessions of real identities.
type issuer struct{ *iam.Service }

func (i issuer) Role(ctx context.Context, role arn.ARN) (sts.Role, bool, error) {
	r, err := i.Service.Role(ctx, role)
	if err != nil || r == nil {
		return sts.Role{}, false, err
	}
	return sts.Role{ID: r.ID, Trust: r.Trust, MaxSession: r.MaxSession}, true, nil
}

func (i issuer) Issue(_ context.Context, g sts.Grant) (sts.Issued, error) {
	c, a, err := i.Service.Issue(iam.Grant{
		Role: g.Role, RoleID: g.RoleID, Actor: g.Actor, Name: g.Name, Policies: g.Policies, Tags: g.Tags, Transitive: g.Transitive,
		SourceIdentity: g.SourceIdentity, Expires: g.Expires,
	})
	return sts.Issued{
		Credentials: shapes.Credentials{
			AccessKeyId: &c.AccessKeyID, SecretAccessKey: &c.SecretAccessKey, SessionToken: &c.SessionToken, Expiration: &c.Expires,
		},
		ARN: a.Principal.ARN, UserID: a.UserID,
	}, err
}

func (i issuer) Managed(ctx context.Context, policy arn.ARN) (string, bool, error) {
	return i.ManagedDocument(ctx, policy)
}

// TestScripts holds conversations with STS and IAM, each call signed, decided
// and encoded as any client's is, against what was answered when somebody
// looked.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			db := kv.Open(memkv.New())
			defer db.Close()
			model := clock.NewModel(clock.State{Stopped: true, At: clock.Unix(noon, 0)})
			ids, err := iam.New(t.Context(), iam.Options{DB: db, Clock: model, Account: account, RootKey: "AKIAROOT", Secret: "secret"})
			if err != nil {
				t.Fatal(err)
			}
			script := awstest.Script{
				Client: awstest.Client{
					Handler: awsapi.New(awsapi.Options{
						Services: []*awsapi.Service{sts.New(issuer{ids}, model).API(), ids.API()}, Identities: ids, Account: account,
						Region: "eu-central-1", Model: model,
					}),
					Region: "us-east-1", Key: "AKIAROOT", Secret: "secret",
				},
				Versions: map[string]string{"iam": "2010-05-08", "sts": "2011-06-15"}, Default: "sts", Clock: model,
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := script.Run(string(want))
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(want), got); d != "" && !*update {
				t.Error(d)
			}
		})
	}
}
