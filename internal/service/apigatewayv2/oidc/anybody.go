package oidc

import "context"

// VerifyAny is [Issuers.Verify] for a token of whatever audience, as authorizers
// of user pools take them: any client of the pool will do.
func (is *Issuers) VerifyAny(ctx context.Context, text, from string) (Claims, error) {
	t, err := parse(text)
	if err != nil {
		return nil, err
	}
	return is.Verify(ctx, text, from, t.claims.audience())
}

// audience is for whom a token is: by aud, or by client_id where it has no aud.
func (c Claims) audience() []string {
	var of []string
	for _, v := range []any{c["aud"], c["client_id"]} {
		switch v := v.(type) {
		case string:
			of = append(of, v)
		case []any:
			for _, a := range v {
				if s, ok := a.(string); ok {
					of = append(of, s)
				}
			}
		}
	}
	return of
}
