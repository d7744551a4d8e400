package secretsmanager

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
func (s *Service) listSecrets(ctx context.Context, in *shapes.ListSecretsRequest) (*shapes.ListSecretsResponse, error) {
	n := name{scope: awsapi.From(ctx).Scope}
	var all []*secret
	err := s.DB.View(ctx, func(snap *kv.Snap) error {
		sp := n.space()
		for p, err := range snap.Scan(sp.secrets(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			x := &secret{name: n}
			if err := jsonrow.Decode(p.Key, p.Value, &x.secretRow); err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			x.text, x.suffix = d.Str(), x.Suffix
			if err := d.Done(); err != nil {
				return err
			}
			if (x.Deleted == 0 || yes(in.IncludePlannedDeletion)) && x.passes(in.Filters) {
				all = append(all, x)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// In the order in which they were created, the newest first unless told
	// otherwise.
	order := func(a, b place) int {
		created := cmp.Compare(b.Created, a.Created)
		if value(in.SortOrder) == "asc" {
			created = -created
		}
		return cmp.Or(created, cmp.Compare(a.Name, b.Name))
	}
	slices.SortFunc(all, func(a, b *secret) int { return order(a.place(), b.place()) })
	if in.NextToken != nil {
		after, err := readPlace(*in.NextToken)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(x *secret) bool { return order(x.place(), after) <= 0 })
	}
	most := 100
	if in.MaxResults != nil {
		most = int(*in.MaxResults)
	}
	out := &shapes.ListSecretsResponse{SecretList: []shapes.SecretListEntry{}}
	for i, x := range all {
		if i == most {
			out.NextToken = all[i-1].place().token()
			break
		}
		out.SecretList = append(out.SecretList, x.entry())
	}
	return out, nil
}

// place is where in the order of a list a secret stands, or stood.
type place struct {
	Created clock.Instant
	Name    string
}

func (x *secret) place() place { return place{x.Created, x.text} }

// token is where a list goes on: behind the place, whatever stands there by then.
func (p place) token() *string {
	return ptr(base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(int64(p.Created), 10) + " " + p.Name)))
}

func readPlace(token string) (place, error) {
	bad := fault.New("InvalidNextTokenException", "The token isn't valid.")
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return place{}, bad
	}
	created, name, ok := strings.Cut(string(b), " ")
	at, err := strconv.ParseInt(created, 10, 64)
	if err != nil || !ok {
		return place{}, bad
	}
	return place{clock.Instant(at), name}, nil
}

// passes reports whether a secret passes all filters. A value passes that one of a
// filter's values matches; with an exclamation mark, that none does.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html
func (x *secret) passes(filters []shapes.Filter) bool {
	for _, f := range filters {
		if !slices.ContainsFunc(f.Values, func(v string) bool {
			if not, ok := strings.CutPrefix(v, "!"); ok {
				return !x.has(value(f.Key), not)
			}
			return x.has(value(f.Key), v)
		}) {
			return false
		}
	}
	return true
}

func (x *secret) has(key, v string) bool {
	folded := func(text string) bool { return strings.HasPrefix(strings.ToLower(text), strings.ToLower(v)) }
	tagged := func(fits func(k, v string) bool) bool {
		for k, of := range x.Tags {
			if fits(k, of) {
				return true
			}
		}
		return false
	}
	switch key {
	case "name":
		return strings.HasPrefix(x.text, v)
	case "description":
		return folded(x.Description)
	case "tag-key":
		return tagged(func(k, _ string) bool { return strings.HasPrefix(k, v) })
	case "tag-value":
		return tagged(func(_, of string) bool { return strings.HasPrefix(of, v) })
	case "all":
		have := words(x.text + " " + x.Description)
		for k, of := range x.Tags {
			have = append(have, words(k+" "+of)...)
		}
		return slices.ContainsFunc(words(v), func(w string) bool {
			return slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) })
		})
	}
	return false // primary-region and owning-service: no secret has any
}

// words are the words of a text, in lower case: credsDatabase#892 has creds,
// database and 892.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html
func words(text string) (out []string) {
	var word []rune
	end := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
		}
		word = nil
	}
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		if n := len(word); n > 0 {
			before := word[n-1]
			if unicode.IsDigit(before) != unicode.IsDigit(r) || unicode.IsLower(before) && unicode.IsUpper(r) {
				end()
			}
		}
		word = append(word, r)
	}
	end()
	return out
}
