package arn

import (
	"errors"
	"fmt"
	"strings"
)

// An ARN is an Amazon Resource Name,
// arn:partition:service:region:account-id:resource.
type ARN string

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("invalid ARN")

// maxLength is the longest ARN that AWS's APIs accept anywhere
// (IAM's arnType has 2,048 characters).
const maxLength = 2048

// Parts are the six parts of an ARN, without the leading "arn".
type Parts struct {
	Partition string // aws, aws-cn, aws-us-gov …
	Service   string // the service's namespace: lambda, s3 …
	Region    string // empty for global services and for S3
	Account   string // twelve digits, or empty (S3, API Gateway), or "aws" (managed policies)
	Resource  string // everything that follows, colons included
}

// ARN joins the parts. It does not validate them.
func (p Parts) ARN() ARN {
	return New(p.Partition, p.Service, p.Region, p.Account, p.Resource)
}

// New joins five parts to an ARN. It does not validate them: it is for names
// built from values that are known to be good.
//
// It is called at two hundred places, in each of which the compiler would put a
// copy of it.
//
//go:noinline
func New(partition, service, region, account, resource string) ARN {
	return ARN("arn:" + partition + ":" + service + ":" + region + ":" + account + ":" + resource)
}

// Parse checks that s is an ARN and returns it. Region and account may be
// empty, as they are for S3 and for global services. Wildcards are not
// accepted in the first four parts; they are in the resource, where they may
// be literal characters of an object key.
func Parse(s string) (ARN, error) {
	if err := check(s); err != nil {
		return "", fmt.Errorf("%w %q: %s", ErrInvalid, clip(s), err)
	}
	return ARN(s), nil
}

// IsARN reports whether s is a valid ARN.
func IsARN(s string) bool { return check(s) == nil }

// Looks reports whether s begins like an ARN. It is the cheap way to tell an
// ARN from a plain name in the many parameters that take either.
func Looks(s string) bool { return strings.HasPrefix(s, "arn:") }

func check(s string) error {
	if len(s) > maxLength {
		return fmt.Errorf("longer than %d characters", maxLength)
	}
	p, ok := cut(s)
	switch {
	case !ok && !Looks(s):
		return errors.New(`does not begin with "arn:"`)
	case !ok:
		return errors.New("has fewer than six parts")
	case p.Partition == "":
		return errors.New("partition is empty")
	case p.Service == "":
		return errors.New("service is empty")
	case p.Resource == "":
		return errors.New("resource is empty")
	case !every(p.Partition, lowerDigitDash):
		return fmt.Errorf("partition %q", p.Partition)
	case !every(p.Service, wordDash):
		return fmt.Errorf("service %q", p.Service)
	case !every(p.Region, lowerDigitDash):
		return fmt.Errorf("region %q", p.Region)
	case !validAccount(p.Account):
		return fmt.Errorf("account %q is not twelve digits", p.Account)
	}
	for i := 0; i < len(p.Resource); i++ {
		if p.Resource[i] < ' ' || p.Resource[i] == 0x7f {
			return errors.New("resource has a control character")
		}
	}
	return nil
}

// cut splits s at its first five colons.
func cut(s string) (p Parts, ok bool) {
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return Parts{}, false
	}
	for _, part := range []*string{&p.Partition, &p.Service, &p.Region, &p.Account} {
		if *part, rest, ok = strings.Cut(rest, ":"); !ok {
			return Parts{}, false
		}
	}
	p.Resource = rest
	return p, true
}

func validAccount(s string) bool {
	if s == "" || s == "aws" || s == "cloudfront" { // managed policies; origin access identities
		return true
	}
	return len(s) == 12 && every(s, func(c byte) bool { return '0' <= c && c <= '9' })
}

func lowerDigitDash(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-'
}

func wordDash(c byte) bool {
	return lowerDigitDash(c) || 'A' <= c && c <= 'Z' || c == '_' || c == '.'
}

func every(s string, ok func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

// clip keeps error messages readable when somebody sends a megabyte.
func clip(s string) string {
	if len(s) > 128 {
		return s[:128] + "…"
	}
	return s
}

// Parts cuts the ARN into its parts. They are all empty when it is not an ARN.
func (a ARN) Parts() Parts {
	p, _ := cut(string(a))
	return p
}

// String returns the ARN as text.
func (a ARN) String() string { return string(a) }

// IsZero reports whether a is the empty ARN.
func (a ARN) IsZero() bool { return a == "" }

// Partition returns the partition: aws, aws-cn, aws-us-gov.
func (a ARN) Partition() string { return a.Parts().Partition }

// Service returns the service's namespace, for example dynamodb.
func (a ARN) Service() string { return a.Parts().Service }

// Region returns the region, empty for global services and S3.
func (a ARN) Region() string { return a.Parts().Region }

// Account returns the account, empty for S3 and API Gateway.
func (a ARN) Account() string { return a.Parts().Account }

// Resource returns everything behind the fifth colon.
func (a ARN) Resource() string { return a.Parts().Resource }

// ResourceType returns what stands before the first '/' or ':' of the
// resource, or nothing when it has neither: "function" of
// "function:resize:prod", "" of the queue name "orders".
func (a ARN) ResourceType() string {
	r := a.Resource()
	if i := strings.IndexAny(r, "/:"); i >= 0 {
		return r[:i]
	}
	return ""
}

// ResourceID returns what stands behind the first '/' or ':' of the resource,
// or all of it when it has neither: "resize:prod" of "function:resize:prod",
// "orders" of the queue "orders".
func (a ARN) ResourceID() string {
	r := a.Resource()
	if i := strings.IndexAny(r, "/:"); i >= 0 {
		return r[i+1:]
	}
	return r
}

// Name returns the last element of the resource: the name of a role behind its
// path, the alias behind a function.
func (a ARN) Name() string {
	r := a.Resource()
	return r[strings.LastIndexAny(r, "/:")+1:]
}
