package build

import (
	"errors"
	"os"
	"testing"
	"time"
)

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	b := &builder{t: t, s: open(t), src: Source{Kind: Directory, Path: dir}}
	make := func(text string) Artifact {
		t.Helper()
		write(t, dir, map[string]string{"a.py": text})
		return b.build()
	}
	there := func(when string, a Artifact, want bool) {
		t.Helper()
		_, err := b.s.Artifact(a.Digest)
		if _, statErr := os.Stat(a.Dir); (err == nil) != want || (statErr == nil) != want || err != nil && !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v, %v, want it there: %v", when, err, statErr, want)
		}
	}
	sweep := func(idle time.Duration, used ...Artifact) {
		t.Helper()
		inUse := map[string]bool{}
		for _, a := range used {
			inUse[a.Digest] = true
		}
		if err := b.s.Sweep(inUse, idle); err != nil {
			t.Fatal(err)
		}
	}
	one := make("1")
	sweep(time.Hour)
	there("just made", one, true)
	two := make("2")
	sweep(time.Hour, two)
	there("unused for less than an hour", one, true)
	sweep(0, two)
	there("unused", one, false)
	there("used", two, true)
	if again := make("1"); again.Digest != one.Digest {
		t.Error("another artifact of the same files")
	}
	there("made again", one, true)

	// In the next life what lies about is as old as it is.
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(b.s.meta(one.Digest), old, old); err != nil {
		t.Fatal(err)
	}
	next, err := Open(b.s.dir)
	if err != nil {
		t.Fatal(err)
	}
	b.s = next
	sweep(time.Hour, two)
	there("left by an earlier life", one, false)
	there("used", two, true)
}
