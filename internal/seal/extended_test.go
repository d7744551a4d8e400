package seal

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The vectors are those of the specification.
//
// https://c2sp.org/XAES-256-GCM#test-vectors
func TestExtended(t *testing.T) {
	for _, test := range []struct {
		key        byte
		associated string
		want       string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		x, err := extend(bytes.Repeat([]byte{test.key}, KeySize))
		if err != nil {
			t.Fatal(err)
		}
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		if got := hex.EncodeToString(x.opener(nonce).Seal(nil, nonce[nonceSize/2:], []byte("XAES-256-GCM"), []byte(test.associated))); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

// No nonce comes twice, whoever seals, and a new run begins when one is full.
func TestNonces(t *testing.T) {
	k, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	nonces := make(chan [nonceSize]byte)
	const sealers, each = 4, 1000
	for range sealers {
		go func() {
			for range each {
				_, n := k.extended.next()
				nonces <- n
			}
		}()
	}
	seen := map[[nonceSize]byte]bool{}
	for range sealers * each {
		n := <-nonces
		if seen[n] {
			t.Fatalf("nonce %x came twice", n)
		}
		seen[n] = true
	}
	full := k.extended.sealing.Load()
	full.count.Store(runLength)
	envelope := Keys{k}.Seal([]byte("hello"), nil)
	if k.extended.sealing.Load().first == full.first {
		t.Error("a full run goes on")
	}
	full.count.Store(0)
	k.extended.sealing.Store(full)
	if text, err := (Keys{k}).Open(envelope, nil); err != nil || string(text) != "hello" {
		t.Errorf("what another run sealed: %q, %v", text, err)
	}
}

// An envelope with a short nonce, as they were written before, opens.
func TestShortNonce(t *testing.T) {
	k, err := NewKey(bytes.Repeat([]byte{7}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	head := append([]byte{formatShort}, k.id[:]...)
	nonce := bytes.Repeat([]byte{9}, shortNonce)
	envelope := k.aead.Seal(append(bytes.Clone(head), nonce...), nonce, []byte("hello"), bind(head, []byte("place")))
	text, err := Keys{k}.Open(envelope, []byte("place"))
	if err != nil || string(text) != "hello" {
		t.Fatalf("%q, %v", text, err)
	}
	for n := range envelope {
		if _, err := (Keys{k}).Open(envelope[:n], []byte("place")); err == nil {
			t.Errorf("the first %d bytes open", n)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	k, err := Generate()
	if err != nil {
		b.Fatal(err)
	}
	text := make([]byte, 1024)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		Keys{k}.Seal(text, text[:64])
	}
}
