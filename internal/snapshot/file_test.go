package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample is a snapshot of a few pairs and files, and what is in it in words.
func sample(t testing.TB) ([]byte, []string) {
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{Name: "sample", Created: time.Unix(1, 0).UTC(), Version: 42, Account: "000000000000"})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	add := func(key, value []byte) {
		if err := w.Pair(key, value); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%q=%d", key, len(value)))
	}
	add([]byte("a"), []byte{})
	add([]byte("large"), bytes.Repeat([]byte("x"), maxChunk))
	add([]byte("z\x00"), []byte("value"))
	for _, f := range []string{"records/logs/1.seg", "code/digest/bootstrap"} {
		if err := w.File(f, 0o755, 3, strings.NewReader("abc")); err != nil {
			t.Fatal(err)
		}
		want = append(want, f+" 755 abc")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), want
}

func read(b []byte) (got []string, h Header, err error) {
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, h, err
	}
	err = r.Each(func(k, v []byte) error {
		got = append(got, fmt.Sprintf("%q=%d", k, len(v)))
		return nil
	}, func(name string, mode, size int64, r io.Reader) error {
		text, err := io.ReadAll(r)
		got = append(got, fmt.Sprintf("%s %o %s", name, mode, text))
		return err
	})
	return got, r.Header, err
}

func TestRoundTrip(t *testing.T) {
	b, want := sample(t)
	got, h, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if h.Name != "sample" || h.Version != 42 || h.Format != Format {
		t.Errorf("header %+v", h)
	}
}

// A snapshot that was cut off, or of which a byte is another, is not read as one.
func TestDamage(t *testing.T) {
	b, _ := sample(t)
	for _, n := range []int{0, 100, 512, 1024, len(b) / 2, len(b) - 3000} {
		if _, _, err := read(b[:n]); err == nil {
			t.Errorf("the first %d bytes are taken for all %d", n, len(b))
		}
	}
	for _, text := range []string{"value", "abc", "large"} {
		broken := bytes.Clone(b)
		broken[bytes.LastIndex(broken, []byte(text))] ^= 1
		if _, _, err := read(broken); !errors.Is(err, ErrDamaged) {
			t.Errorf("with another %q: %v", text, err)
		}
	}
}

func TestFileNames(t *testing.T) {
	w, err := NewWriter(io.Discard, Header{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "etc/passwd", "code/../../x", "/code/x", "records/a//b", "code", `code/a\b`, "store/00000001"} {
		if err := w.File(name, 0, 0, strings.NewReader("")); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

func TestAnotherFormat(t *testing.T) {
	b, _ := sample(t)
	b = bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 2`), 1)
	if _, err := NewReader(bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("%v", err)
	}
}

// Whatever a file holds, reading it ends, with an error unless it is whole.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	w, _ := NewWriter(&b, Header{Name: "seed"})
	w.Pair([]byte("k"), []byte("v"))
	w.File("records/x", 0o600, 1, strings.NewReader("y"))
	w.Close()
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:700])
	f.Add([]byte("not a tar"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, h, err := read(b)
		if err == nil && h.Format != Format {
			t.Errorf("format %d was read: %q", h.Format, got)
		}
	})
}
