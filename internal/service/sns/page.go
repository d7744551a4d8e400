package sns

import (
	"encoding/base64"
	"strings"
)

// nextToken is the place after what was listed last.
func nextToken(last ...string) *string {
	return ptr(base64.StdEncoding.EncodeToString([]byte(strings.Join(last, "\n"))))
}

// after reads such a token.
func after(token *string) ([]string, error) {
	if value(token) == "" {
		return nil, nil
	}
	b, err := base64.StdEncoding.DecodeString(*token)
	if err != nil || len(b) == 0 {
		return nil, invalid("NextToken Reason: An invalid token was passed.")
	}
	return strings.Split(string(b), "\n"), nil
}
