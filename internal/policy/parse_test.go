package policy

import (
	"errors"
	"strings"
	"testing"
)

// What IAM answers to documents that are not policies, and in which order it
// looks. The stages were observed by others against AWS and published.
func TestParseRefuses(t *testing.T) {
	const s3 = `"Resource":"arn:aws:s3:::b"`
	doc := func(statement string) string { return `{"Version":"2012-10-17","Statement":` + statement + `}` }
	for _, tt := range []struct{ doc, want string }{
		// Syntax.
		{`not JSON`, msgSyntax},
		{``, msgSyntax},
		{`[]`, msgSyntax},
		{doc(`{}`) + `x`, msgSyntax},
		{`{"Version":"2012-10-17"}`, msgSyntax},
		{`{"Version":"2013-10-17","Statement":{"Effect":"Allow","Action":"s3:*",` + s3 + `}}`, msgSyntax},
		{`{"Version":"2012-10-17","Id":{},"Statement":{"Effect":"Allow","Action":"s3:*",` + s3 + `}}`, msgSyntax},
		{`{"Version":"2012-10-17","Extra":"","Statement":{"Effect":"Allow","Action":"s3:*",` + s3 + `}}`, msgSyntax},
		{doc(`[]`), msgSyntax},
		{doc(`["x"]`), msgSyntax},
		{doc(`{"Action":"s3:*",` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Perhaps","Action":"s3:*",` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Effect":"Allow","Action":"s3:*",` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":"s3:*","Extra":1,` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":{},` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":[[]],` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":"s3:*","NotAction":[],` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":"s3:*","NotResource":"*",` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Sid":[],"Action":"s3:*",` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":[],` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"a":"b"},` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"a":{"b":"c"}},` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"Bool":{"b":{}}},` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"NullIfExists":{"b":"true"}},` + s3 + `}`), msgSyntax},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"ForAnyValue::StringEqualsIfExists":{"a":"b"}},` + s3 + `}`), msgSyntax},
		{doc(strings.Repeat("[", 40) + strings.Repeat("]", 40)), msgSyntax},
		{" " + doc(`{"Effect":"Allow","Action":"s3:*",`+s3+`}`), msgLeadingSpace},
		// Version, then what IAM calls legacy parsing.
		{`{"Statement":{"Effect":"denY","Action":"s3:*",` + s3 + `}}`, msgVersion},
		{`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*",` + s3 + `}}`, msgVersion},
		{doc(`{"Effect":"denY","Action":"s3:*",` + s3 + `}`), msgLegacy},
		{doc(`{"Effect":"Allow","Condition":{"DateGreaterThan":{"a":"sdfdsf"}}}`), msgLegacy},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"DateLessThan":{"a":"9223372036854775808"}},` + s3 + `}`), msgLegacy},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.593194+1"}},` + s3 + `}`), msgLegacy},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"NumericEquals":{"a":"0x1p3"}},` + s3 + `}`), msgLegacy},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"IpAddress":{"a":"10.0.0.300"}},` + s3 + `}`), msgLegacy},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"Bool":{"a":"maybe"}},` + s3 + `}`), msgLegacy},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"Null":{"a":"maybe"}},` + s3 + `}`), msgLegacy},
		{doc(`{"Effect":"Allow","Action":"s3:*","Condition":{"BinaryEquals":{"a":"?"}},` + s3 + `}`), msgLegacy},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3::b"}`), msgLegacy},
		{doc(`{"Effect":"Allow","NotAction":"s3:*","Resource":"arn:aws::::b"}`), msgLegacy},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:error:s3:::b","Condition":{"DateEquals":{"a":"x"}}}`), msgLegacy},
		// Statements.
		{doc(`[{"Sid":"a","Effect":"Allow","Action":"s3:*",` + s3 + `},{"Sid":"a","Effect":"Allow"}]`), msgSidUnique},
		{doc(`{"Sid":"a b","Effect":"Allow","Action":"s3:*",` + s3 + `}`), msgSidChars},
		{doc(`{"Effect":"Allow"}`), msgNoActions},
		{doc(`{"Effect":"Allow","Action":[],` + s3 + `}`), msgNoActions},
		{doc(`[{"Effect":"Deny"},{"Effect":"Allow","Action":"s3:*",` + s3 + `}]`), msgNoActions},
		{doc(`{"Effect":"Allow","Action":"s3:*"}`), msgNoResources},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":[]}`), msgNoResources},
		{doc(`{"Effect":"Allow","Action":"s3:*","Principal":"*",` + s3 + `}`), msgHasPrincipal},
		// Actions.
		{doc(`{"Effect":"Allow","Action":"invalid"}`), msgVendor},
		{doc(`{"Effect":"Allow","NotAction":"",` + s3 + `}`), msgVendor},
		{doc(`{"Effect":"Allow","Action":"a a:ListBucket",` + s3 + `}`), "Vendor a a is not valid"},
		{doc(`{"Effect":"Allow","Action":"s3:List:Bucket",` + s3 + `}`), msgOneColon},
		// Resources, which come before actions.
		{doc(`{"Effect":"Allow","Action":"s:3:ListBucket","Resource":"sdfsadf"}`), `Resource sdfsadf must be in ARN format or "*".`},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":""}`), `Resource  must be in ARN format or "*".`},
		{doc(`{"Effect":"Allow","NotAction":"s3:*","Resource":"a:bsdf"}`), `Partition "bsdf" is not valid for resource "arn:bsdf:*:*:*:*".`},
		{doc(`{"Effect":"Allow","NotAction":"s3:*","Resource":"a:b:c:d:e:f:g:h"}`), `Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".`},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":"aws:s3:::example_bucket"}`), `Partition "s3" is not valid for resource "arn:s3:::example_bucket:*".`},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws"}`), msgResourceVendor},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:*:::b"}`), msgResourceVendor},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:us-east-1::b"}`), "IAM resource arn:aws:iam:us-east-1::b cannot contain region information."},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-east-1::b"}`), "Resource arn:aws:s3:us-east-1::b can not contain region information."},
		{doc(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:::b"}`), msgIAMResource},
	} {
		_, err := Parse(Identity, tt.doc)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("Parse(%s) = %v, want an Error", tt.doc, err)
			continue
		}
		if e.Message != tt.want {
			t.Errorf("Parse(%s)\n got %q (%s)\nwant %q", tt.doc, e.Message, e.Detail, tt.want)
		}
	}
}

func TestParseRefusesKinds(t *testing.T) {
	for _, tt := range []struct {
		kind      Kind
		doc, want string
	}{
		{Resource, `{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}`, msgNoPrincipal},
		{Resource, `{"Statement":{"Effect":"Allow","Principal":{},"Action":"sqs:*","Resource":"*"}}`, msgNoPrincipal},
		{Resource, `{"Statement":{"Effect":"Allow","Principal":"ana","Action":"sqs:*","Resource":"*"}}`, msgSyntax},
		{Resource, `{"Statement":{"Effect":"Allow","Principal":{"User":"ana"},"Action":"sqs:*","Resource":"*"}}`, msgSyntax},
		{Resource, `{"Statement":{"Effect":"Allow","Principal":"*","NotPrincipal":"*","Action":"sqs:*","Resource":"*"}}`, msgSyntax},
		{Resource, `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/*"},"Action":"sqs:*","Resource":"*"}}`, `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/*"`},
		{Trust, `{"Statement":{"Effect":"Allow","Principal":{"AWS":"ana"},"Action":"sts:AssumeRole"}}`, `Invalid principal in policy: "AWS":"ana"`},
		{Trust, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}}`, msgTrustResource},
		{Trust, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}}`, msgTrustActions},
		{Trust, `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`, msgNoPrincipal},
	} {
		_, err := Parse(tt.kind, tt.doc)
		var e *Error
		if !errors.As(err, &e) || e.Message != tt.want {
			t.Errorf("Parse(%s, %s)\n got %v\nwant %q", tt.kind, tt.doc, err, tt.want)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	for _, tt := range []struct {
		kind Kind
		doc  string
	}{
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::b","*"]}}`},
		{Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam: asdf safdsf af ","Resource":"arn:aws:s3:::b"}]}`},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:fdsasf"}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:::user/b"}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam::123456789012:*"}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:ec2:us-east-1::b","Condition":{}}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateGreaterThan":{"a":[]},"x":{}}}}`},
		{Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"s3:max-keys":10}}}}`},
		{Identity, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}}\n"},
		{Resource, ` {"Statement":{"Sid":"a b","Effect":"Allow","Principal":{"AWS":[123456789012,"AIDACKCEVSQ6C2EXAMPLE"]},"Action":"sqs:*","Resource":"*"}}`},
		{Trust, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`},
	} {
		if _, err := Parse(tt.kind, tt.doc); err != nil {
			t.Errorf("Parse(%s): %v", tt.doc, err)
		}
	}
}

func TestDocSaysWhatItIs(t *testing.T) {
	const text = `{"Effect":"Deny","Sid":"NoDeletes","Action":"s3:Delete*","Resource":"*"}`
	d := parse(t, Identity, `{"Version":"2012-10-17","Id":"x","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}, `+text+` ]}`)
	if d.Kind() != Identity || d.Version() != version2012 || d.ID() != "x" || len(d.Statements()) != 2 {
		t.Errorf("kind %v, version %q, id %q, %d statements", d.Kind(), d.Version(), d.ID(), len(d.Statements()))
	}
	s := d.Statements()[1]
	if s.Sid() != "NoDeletes" || s.Effect() != Deny || s.Effect().String() != "Deny" || s.Text() != text {
		t.Errorf("sid %q, effect %v, text %s", s.Sid(), s.Effect(), s.Text())
	}
	if n := d.Named("inline"); n.Name() != "inline" || d.Name() != "" {
		t.Errorf("names %q and %q", n.Name(), d.Name())
	}
	if b := d.As(Boundary); b.Kind() != Boundary || d.Kind() != Identity || d.As(Identity) != d {
		t.Errorf("kinds %v and %v", b.Kind(), d.Kind())
	}
	if n := Size("{\n\t\"a\": \"b c\"\r}"); n != 10 {
		t.Errorf("Size = %d", n)
	}
}

func TestErrorSaysWhere(t *testing.T) {
	_, err := Parse(Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"nonsense","Resource":"*"}]}`)
	if err == nil || err.Error() != msgVendor+" (statement 2, Action: nonsense)" {
		t.Errorf("error %v", err)
	}
}

func parse(t testing.TB, k Kind, doc string) *Doc {
	t.Helper()
	d, err := Parse(k, doc)
	if err != nil {
		t.Fatalf("Parse(%s): %v", doc, err)
	}
	return d
}

// statements wraps statements in a document.
func statements(t testing.TB, k Kind, list ...string) *Doc {
	t.Helper()
	return parse(t, k, `{"Version":"2012-10-17","Statement":[`+strings.Join(list, ",")+`]}`)
}
