package journal

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
)

func FuzzScan(f *testing.F) {
	fs := disktest.NewMem().FS()
	j := mustOpen(f, fs, Options{})
	for i := range 5 {
		if _, err := j.Append(fmt.Sprint("k", i%2), clock.Instant(i), 7, []byte("body")); err != nil {
			f.Fatal(err)
		}
	}
	if err := j.Drop("k1"); err != nil {
		f.Fatal(err)
	}
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	seg, err := j.readFile(1, ".seg")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seg)
	f.Add(seg[:len(seg)-3])
	f.Add([]byte(magic))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		ix := scan(1, data, j.castagnoli)
		if int(ix.size) > len(data) {
			t.Fatalf("an index of %d bytes of a segment of %d", ix.size, len(data))
		}
		again, err := decodeIndex(1, ix.encode(j.castagnoli), j.castagnoli)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ix, again, cmp.AllowUnexported(index{}, entry{}, chunk{}, drop{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("index (-scanned +decoded):\n%s", diff)
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	j := mustOpen(f, disktest.NewMem().FS(), Options{})
	ix := newIndex()
	e := ix.define("key")
	ix.add(e, 8, 30, 5, 6, 4)
	ix.hide("x", Pos{1, 38})
	ix.finish()
	f.Add(ix.appendHead(nil), ix.appendRest(nil))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, head, rest []byte) {
		// The checksums are made right, so that what they protect is reached.
		ix, err := decodeIndex(1, sealIndex(head, rest, j), j.castagnoli)
		if err != nil {
			return
		}
		if _, err := decodeIndex(1, ix.encode(j.castagnoli), j.castagnoli); err != nil {
			t.Errorf("decoded, encoded, and: %v", err)
		}
	})
}

// An index that is damaged, cut or missing is made again.
func TestIndexIsMadeAgain(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"missing":         func([]byte) []byte { return nil },
		"empty":           func([]byte) []byte { return []byte{} },
		"cut in head":     func(b []byte) []byte { return b[:20] },
		"cut in rest":     func(b []byte) []byte { return b[:len(b)-1] },
		"damaged head":    func(b []byte) []byte { b[20] ^= 1; return b },
		"damaged rest":    func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"of another kind": func(b []byte) []byte { return []byte("something else entirely, and long enough to be an index") },
	} {
		t.Run(name, func(t *testing.T) {
			fs := disktest.NewMem().FS()
			j := mustOpen(t, fs, Options{})
			for i := range 100 {
				if _, err := j.Append(fmt.Sprint("k", i%5), clock.Instant(i+1), 1, []byte("x")); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			b, err := j.readFile(1, ".idx")
			if err != nil {
				t.Fatal(err)
			}
			path := j.path(1, ".idx")
			if err := fs.Remove(path); err != nil {
				t.Fatal(err)
			}
			if b = spoil(b); b != nil {
				f, err := fs.Create(path, category)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.Write(b); err != nil {
					t.Fatal(err)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // made again, and found made
				j = mustOpen(t, fs, Options{})
				if got := collect(t, j, Query{Prefix: "k3"}, 0); len(got) != 20 {
					t.Errorf("%d records, want 20", len(got))
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A segment ends at the first record that is damaged, whatever follows.
func TestDamagedRecordEndsItsSegment(t *testing.T) {
	fs := disktest.NewMem().FS()
	j := mustOpen(t, fs, Options{})
	var seventh Pos
	for i := range 10 {
		pos, err := j.Append("k", clock.Instant(i+1), 1, []byte("body"))
		if err != nil {
			t.Fatal(err)
		}
		if i == 6 {
			seventh = pos
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := j.readFile(1, ".seg")
	if err != nil {
		t.Fatal(err)
	}
	b[seventh.Off+frameSize+5] ^= 1
	if ix := scan(1, b, j.castagnoli); ix.size != seventh.Off || ix.entries[0].count != 6 {
		t.Errorf("an index of %d bytes and %d records, want %d and 6", ix.size, ix.entries[0].count, seventh.Off)
	}
}
