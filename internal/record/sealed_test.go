package record

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nube-run/nube/internal/disk/disktest"
)

// mirror seals by turning bits over, and opens only what is at its place.
type mirror struct{}

func (mirror) AppendSealed(_ context.Context, out, text, associated []byte) ([]byte, error) {
	out = append(append(out, byte(len(associated))), associated...)
	for _, c := range text {
		out = append(out, ^c)
	}
	return out, nil
}

func (mirror) Open(_ context.Context, envelope, associated []byte) ([]byte, error) {
	n := int(envelope[0])
	if !bytes.Equal(envelope[1:1+n], associated) {
		return nil, errors.New("of another place")
	}
	var out []byte
	for _, c := range envelope[1+n:] {
		out = append(out, ^c)
	}
	return out, nil
}

// Exchanges with a sealer lie sealed, also when they are of several parts, and are
// read; those that lay open before are read too.
func TestSealedExchanges(t *testing.T) {
	fs := disktest.NewMem().FS()
	const secret = "a secret that a function was given"
	small, large := fullExchange(t), fullExchange(t)
	small.Event = []byte(secret)
	large.Trace[0]++
	large.Event = bytes.Repeat([]byte(secret+" "), 3*partSize/len(secret))
	old := fullExchange(t)
	old.Trace[0] += 2
	for _, step := range []struct {
		sealer Sealer
		xs     []Exchange
	}{{nil, []Exchange{old}}, {mirror{}, []Exchange{small, large}}} {
		r, err := Open(Options{FS: fs, Dir: "record", Sealer: step.sealer})
		if err != nil {
			t.Fatal(err)
		}
		for i := range step.xs {
			if err := r.Exchanges.Add(&step.xs[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	names, err := fs.List(fs.PathJoin("record", "exchanges"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin("record", "exchanges", name))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		_, err = b.ReadFrom(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b.Bytes(), []byte(secret)) {
			t.Errorf("%s holds the secret", name)
		}
	}
	r, err := Open(Options{FS: fs, Dir: "record", Sealer: mirror{}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, want := range []Exchange{small, large, old} {
		got, err := r.Exchanges.Trace(t.Context(), want.Trace)
		if err != nil || len(got) != 1 {
			t.Fatal(len(got), err)
		}
		if !bytes.Equal(got[0].Event, want.Event) {
			t.Errorf("an event of %d bytes is read as one of %d", len(want.Event), len(got[0].Event))
		}
		want.Event, got[0].Event = nil, nil // compared byte by byte they take seconds
		if diff := cmp.Diff(want, got[0], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("exchange (-want +got):\n%.500s", diff)
		}
	}
}
