package sns

import (
	"encoding/base64"
	"strings"
)

// nextToken is the place after what was listed last.
func nextToken(last ...string) *string {
	return ptr(base64.StdEncoding.EncodeToString([]byte(strings.Join(last, "\n"))))
}

// after reads such a token, which has n parts; nil for none. Whoever made one of
// another list, or one by himself, is told so.
func after(token *string, n int) ([]string, error) {
	if value(token) == "" {
		return nil, nil
	}
	b, err := base64.StdEncoding.DecodeString(*token)
	parts := strings.Split(string(b), "\n")
	if err != nil || len(b) == 0 || len(parts) != n {
		return nil, badToken()
	}
	return parts, nil
}
