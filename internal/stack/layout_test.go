package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
)

// TestLayout holds the stored format to its golden file: all keys and values of
// a cloud with a finished stack, a change set, an export with its import, and a
// stack in the middle of an update that replaces something. A difference is a
// new version of the format, see layout.go.
func TestLayout(t *testing.T) {
	w := newWorld(t)
	store := memkv.New()
	m := &mortal{Engine: store}
	r := newRigOver(t, w, 1, m)
	r.upAndWait(t, `
Parameters: {Stage: {Type: String, Default: dev}}
Resources:
  A: {Type: Test::Thing, Metadata: {a: 1}, DeletionPolicy: Retain, Properties: {Size: 2, Text: !Ref Stage}}
Outputs: {Id: {Value: !Ref A, Description: The id, Export: {Name: shared}}}
`)
	other := deploy(t, "Resources: {B: {Type: Test::Item, Properties: {Text: !ImportValue shared, Fixed: a}}}")
	other.Name, other.Tags, other.Token = "other", []Tag{{"team", "blue"}}, "token"
	if _, err := r.e.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if _, err := r.e.Wait(t.Context(), testScope, "other"); err != nil {
		t.Fatal(err)
	}
	cs := ChangeSetRequest{Deploy: deploy(t, "Resources: {A: {Type: Test::Thing, Properties: {Size: 1}}}"), ChangeSet: "smaller"}
	if _, err := r.e.CreateChangeSet(t.Context(), cs); err != nil {
		t.Fatal(err)
	}
	w.before = func(call string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.died = call == "create B"
	}
	w.dead = m.dead
	other.Template = deploy(t, "Resources: {B: {Type: Test::Item, Properties: {Text: !ImportValue shared, Fixed: b}}}").Template
	other.Body = ""
	if _, err := r.e.Update(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	r.e.done.Wait()
	r.close()

	db := kv.Open(store)
	defer db.Close()
	var b strings.Builder
	err := db.View(context.Background(), func(s *kv.Snap) error {
		for p, err := range s.Scan(layoutOf(cell(testScope)).space.Range(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			value := string(p.Value)
			if json.Valid(p.Value) {
				var v any
				json.Unmarshal(p.Value, &v)
				pretty, _ := json.MarshalIndent(v, "\t", "  ")
				value = string(pretty)
			}
			fmt.Fprintf(&b, "%s\n\t%s\n", p.Key, value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/layout.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the format changed (-want +got):\n%s", diff)
	}
}

// TestCells finds the cells that hold something, whatever else is there.
func TestCells(t *testing.T) {
	db := kv.Open(memkv.New())
	defer db.Close()
	want := []keyspace.Cell{{Account: "someone", Region: ""}, {Account: "000000000001", Region: "us-east-1"}, {Account: "123456789012", Region: "eu-central-1"}, {Account: "123456789012", Region: "eu-west-1"}}
	_, err := db.Update(t.Context(), func(tx *kv.Tx) error {
		for _, c := range want {
			for i := range 20 {
				tx.Set(keyspace.Service(c, fmt.Sprint("service", i%3), 0).Key().Int(int64(i)).Done(), nil)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(t.Context(), func(s *kv.Snap) error {
		got, err := cells(s)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cells (-want +got):\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
