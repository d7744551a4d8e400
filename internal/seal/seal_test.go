package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An identity of age's own specification and test data.
// https://github.com/C2SP/CCTV/tree/main/age
const identityText = "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6"

func TestKeys(t *testing.T) {
	k, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	hexed := hex.EncodeToString(k.Bytes())
	for name, text := range map[string]string{
		"base 64": k.Text(), "hexadecimal": hexed, "with comments": "# mine\n\n" + k.Text() + "\n", "the first of two": hexed + "\n" + strings.Repeat("00", 32),
	} {
		ks, err := ParseKeys(text)
		if err != nil || ks[0].ID() != k.ID() {
			t.Errorf("%s: %v, %v", name, ks, err)
		}
	}
	for _, bad := range []string{"", "# nothing", "secretive", k.Text()[4:], hexed + "00", identityText[:40], strings.Replace(identityText, "X", "Y", 1)} {
		_, err := ParseKeys(bad)
		if err == nil {
			t.Errorf("%q is taken for a key", bad)
		} else if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", k, k, k, Keys{k}); strings.Contains(text, hexed) || strings.Contains(text, k.Text()) {
		t.Errorf("a key is printed: %s", text)
	}
}

func TestIdentity(t *testing.T) {
	a, err := ParseKeys(identityText)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseKeys("# created: 2026\n# public key: age1…\n" + strings.ToLower(identityText))
	if err != nil || a[0].ID() != b[0].ID() {
		t.Errorf("%v, %v, %v", a, b, err)
	}
}

func TestEnvelope(t *testing.T) {
	old, _ := Generate()
	now, _ := Generate()
	at := []byte("row 1")
	e := Keys{old}.Seal([]byte("hello"), at)
	if bytes.Contains(e, []byte("hello")) {
		t.Error("the text can be read")
	}
	if id, err := SealedUnder(e); err != nil || id != old.ID() {
		t.Errorf("sealed under %v, %v", id, err)
	}
	text, err := Keys{now, old}.Open(e, at)
	if err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := (Keys{old}).Open(e, []byte("row 2")); !errors.Is(err, ErrDamaged) {
		t.Errorf("in another place: %v", err)
	}
	var missing *KeyError
	if _, err := (Keys{now}).Open(e, at); !errors.As(err, &missing) || missing.Want != old.ID() {
		t.Errorf("with another key: %v", err)
	}
	for i := range e {
		c := bytes.Clone(e)
		c[i] ^= 1
		if _, err := (Keys{old}).Open(c, at); err == nil {
			t.Errorf("opens with byte %d changed", i)
		}
	}
	for n := range e {
		if _, err := (Keys{old}).Open(e[:n], at); err == nil {
			t.Errorf("opens with %d bytes", n)
		}
	}
}

func TestSource(t *testing.T) {
	k, _ := Generate()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(k.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NUBE_TEST_KEY", k.Text())
	for _, text := range []string{"file:" + path, "env:NUBE_TEST_KEY"} {
		s, err := ParseSource(text)
		if err != nil {
			t.Fatal(err)
		}
		if ks, err := s.Read(); err != nil || ks[0].ID() != k.ID() || s.String() != text {
			t.Errorf("%s: %v, %v", s, ks, err)
		}
	}
	for _, text := range []string{"", "file", "file:", "kms:x", path} {
		if s, err := ParseSource(text); err == nil {
			t.Errorf("%q is taken for %v", text, s)
		}
	}
	for _, text := range []string{"file:" + path + ".not", "env:NUBE_TEST_NO_KEY"} {
		s, _ := ParseSource(text)
		if _, err := s.Read(); err == nil {
			t.Errorf("%s has a key", s)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add(identityText)
	f.Add(strings.Repeat("ab", 32))
	f.Add("# no key")
	f.Fuzz(func(t *testing.T, text string) {
		ks, err := ParseKeys(text)
		if err == nil && len(ks) == 0 {
			t.Error("neither a key nor an error")
		}
		for _, k := range ks {
			again, err := ParseKeys(k.Text())
			if err != nil || again[0].ID() != k.ID() {
				t.Errorf("%v, %v", again, err)
			}
		}
	})
}
