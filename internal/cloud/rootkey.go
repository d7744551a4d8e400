package cloud

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// generatedKey reads the root's key from a file that only its owner can read,
// and makes it at the first time: a cloud that others can reach has no
// well-known password.
func generatedKey(path string) (id, secret string, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		id, secret, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
		if !ok || id == "" || secret == "" {
			return "", "", fmt.Errorf("%s does not hold a key id and a secret", path)
		}
		return id, secret, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", "", err
	}
	id = "AKIA" + rand.Text()[:16]
	var b [30]byte
	rand.Read(b[:])
	secret = base64.StdEncoding.EncodeToString(b[:])
	return id, secret, os.WriteFile(path, []byte(id+" "+secret+"\n"), 0o600)
}
