package secretsmanager

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
)

// getRandomPassword makes a password of the kinds of characters that are not left
// out, at least one of each unless told otherwise.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
func (s *Service) getRandomPassword(_ context.Context, in *shapes.GetRandomPasswordRequest) (*shapes.GetRandomPasswordResponse, error) {
	length := 32
	if in.PasswordLength != nil {
		length = int(*in.PasswordLength)
	}
	var kinds []string
	all := ""
	for _, k := range []struct {
		out   bool
		chars string
	}{
		{yes(in.ExcludeLowercase), "abcdefghijklmnopqrstuvwxyz"},
		{yes(in.ExcludeUppercase), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		{yes(in.ExcludeNumbers), "0123456789"},
		{yes(in.ExcludePunctuation), "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
		{!yes(in.IncludeSpace), " "},
	} {
		if k.out {
			continue
		}
		chars := strings.Map(func(r rune) rune {
			if strings.ContainsRune(value(in.ExcludeCharacters), r) {
				return -1
			}
			return r
		}, k.chars)
		if chars != "" {
			kinds, all = append(kinds, chars), all+chars
		}
	}
	each := in.RequireEachIncludedType == nil || *in.RequireEachIncludedType
	switch {
	case all == "":
		return nil, invalidParameter("No characters are left to make a password of.")
	case each && length < len(kinds):
		return nil, invalidParameter("Password length is too short: there must be room for one character of each of the %d types.", len(kinds))
	}
	out := make([]byte, 0, length)
	if each {
		for _, k := range kinds {
			c, err := pick(len(k))
			if err != nil {
				return nil, err
			}
			out = append(out, k[c])
		}
	}
	for len(out) < length {
		c, err := pick(len(all))
		if err != nil {
			return nil, err
		}
		out = append(out, all[c])
	}
	for i := len(out) - 1; i > 0; i-- { // the required ones stand anywhere
		j, err := pick(i + 1)
		if err != nil {
			return nil, err
		}
		out[i], out[j] = out[j], out[i]
	}
	return &shapes.GetRandomPasswordResponse{RandomPassword: ptr(string(out))}, nil
}

// pick is a random number below n.
func pick(n int) (int, error) {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0, err
	}
	return int(i.Int64()), nil
}
