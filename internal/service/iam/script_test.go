package iam_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/awstest"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/service/iam"
)

var update = flag.Bool("update", false, "write the golden files")

const account = "123456789012"

// noon is where the model clock of the tests stands: 2026-03-01T12:00:00Z.
const noon = 1772366400

// TestScripts holds conversations with IAM, each call signed, decided and
// encoded as any client's is, against what was answered when somebody looked.
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
			s, err := iam.New(t.Context(), iam.Options{DB: db, Clock: model, Account: account, RootKey: "AKIAROOT", Secret: "secret"})
			if err != nil {
				t.Fatal(err)
			}
			script := awstest.Script{
				Client: awstest.Client{
					Handler: awsapi.New(awsapi.Options{
						Services: []*awsapi.Service{s.API()}, Identities: s, Account: account, Region: "eu-central-1", Model: model,
					}),
					Region: "us-east-1", Key: "AKIAROOT", Secret: "secret",
				},
				Versions: map[string]string{"iam": "2010-05-08"}, Default: "iam", Clock: model,
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
