package seal

import (
	"fmt"
	"os"
	"strings"
)

// Source is where a master key comes from. The zero Source is nowhere.
type Source struct {
	kind string // file, env or age
	name string
}

// ParseSource reads file:PATH, env:NAME or age:PATH.
func ParseSource(text string) (Source, error) {
	kind, name, ok := strings.Cut(text, ":")
	if !ok || name == "" || kind != "file" && kind != "env" && kind != "age" {
		return Source{}, fmt.Errorf("a master key comes from file:PATH, env:NAME or age:PATH, not from %q", text)
	}
	return Source{kind, name}, nil
}

// IsZero reports whether the source is nowhere.
func (s Source) IsZero() bool { return s == Source{} }

// File returns the path of the file that the key is in, "" where it is in none.
func (s Source) File() string {
	if s.kind == "env" {
		return ""
	}
	return s.name
}

// String returns the source as [ParseSource] reads it.
func (s Source) String() string { return s.kind + ":" + s.name }

// Read returns the keys that are there.
func (s Source) Read() (Keys, error) {
	text, err := s.read()
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	if s.kind == "age" && strings.HasPrefix(text, "age-encryption.org/") {
		return nil, fmt.Errorf("master key: %s is encrypted; decrypt it with age -d and give nube the identity that it holds", s)
	}
	ks, err := ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("master key: %s: %w", s, err)
	}
	return ks, nil
}

func (s Source) read() (string, error) {
	if s.kind == "env" {
		text, ok := os.LookupEnv(s.name)
		if !ok {
			return "", fmt.Errorf("the environment has no %s", s.name)
		}
		return text, nil
	}
	text, err := os.ReadFile(s.name)
	return string(text), err
}
