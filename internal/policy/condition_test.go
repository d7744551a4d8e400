package policy

import (
	"strings"
	"testing"
)

// Every operator against present, absent and multivalued keys.
func TestConditions(t *testing.T) {
	keys := KeyMap{
		"s":         One("Home/Ana"),
		"empty":     One(""),
		"n":         One("10"),
		"f":         One("2.50"),
		"big":       One("9007199254740993"),
		"d":         One("2026-03-01T12:00:00Z"),
		"epoch":     One("1772366400"), // the same moment
		"t":         One("true"),
		"bin":       One("Binary"),
		"ip":        One("203.0.113.7"),
		"ip6":       One("2001:db8:1234:5678::1"),
		"mapped":    One("::ffff:203.0.113.7"),
		"arn":       One("arn:aws:sns:eu-west-1:123456789012:orders:eu"),
		"tags":      Many("a", "b"),
		"none":      Many(),
		"user":      One("Ana"),
		"star":      One("*"),
		"broken":    One("\xff"),
		"upper/key": One("x"),
	}
	for _, tt := range []struct {
		condition string
		want      bool
	}{
		{`"StringEquals":{"s":"Home/Ana"}`, true},
		{`"StringEquals":{"S":["x","Home/Ana"]}`, true},
		{`"StringEquals":{"s":"home/ana"}`, false},
		{`"StringEquals":{"s":"Home/*"}`, false},
		{`"StringEquals":{"absent":""}`, false},
		{`"StringEquals":{"empty":""}`, true},
		{`"StringEquals":{"s":[]}`, false},
		{`"StringNotEquals":{"s":"x"}`, true},
		{`"StringNotEquals":{"s":["x","Home/Ana"]}`, false},
		{`"StringNotEquals":{"absent":"x"}`, true},
		{`"StringEqualsIgnoreCase":{"s":"hOME/aNA"}`, true},
		{`"StringNotEqualsIgnoreCase":{"s":"hOME/aNA"}`, false},
		{`"StringLike":{"s":"Home/*"}`, true},
		{`"StringLike":{"s":"Home/A?a"}`, true},
		{`"StringLike":{"s":"home/*"}`, false},
		{`"StringLike":{"empty":"*"}`, true},
		{`"StringNotLike":{"s":["x*","Home*"]}`, false},
		{`"StringNotLike":{"absent":"*"}`, true},

		{`"NumericEquals":{"n":"10"}`, true},
		{`"NumericEquals":{"n":10.0}`, true},
		{`"NumericEquals":{"f":"2.5"}`, true},
		{`"NumericNotEquals":{"n":"10"}`, false},
		{`"NumericEquals":{"big":"9007199254740992"}`, false},
		{`"NumericEquals":{"s":"10"}`, false},
		{`"NumericLessThan":{"n":"10"}`, false},
		{`"NumericLessThan":{"n":"10.5"}`, true},
		{`"NumericLessThanEquals":{"n":"10"}`, true},
		{`"NumericGreaterThan":{"n":"9"}`, true},
		{`"NumericGreaterThanEquals":{"n":"11"}`, false},

		{`"DateEquals":{"d":"2026-03-01T12:00:00Z"}`, true},
		{`"DateEquals":{"d":"2026-03-01T13:00:00+01:00"}`, true},
		{`"DateEquals":{"d":1772366400}`, true},
		{`"DateEquals":{"epoch":"2026-03-01T12:00:00.000Z"}`, true},
		{`"DateNotEquals":{"epoch":"2026-03-01T12:00:00Z"}`, false},
		{`"DateLessThan":{"d":"2026-03-02"}`, true},
		{`"DateLessThan":{"d":"2026"}`, false},
		{`"DateLessThanEquals":{"d":"2026-03-01T12:00Z"}`, true},
		{`"DateGreaterThan":{"d":"2026-03"}`, true},
		{`"DateGreaterThanEquals":{"d":"2027"}`, false},
		{`"DateLessThan":{"s":"2027"}`, false},
		{`"DateLessThan":{"d":"9223372036854775807"}`, true},

		{`"Bool":{"t":"true"}`, true},
		{`"Bool":{"t":true}`, true},
		{`"Bool":{"t":"FALSE"}`, false},
		{`"Bool":{"s":"true"}`, false},
		{`"Bool":{"absent":"false"}`, false},
		{`"Bool":{"t":"${t}"}`, true},

		{`"BinaryEquals":{"bin":"QmluYXJ5"}`, true},
		{`"BinaryEquals":{"bin":"QmluYXJ6"}`, false},

		{`"IpAddress":{"ip":"203.0.113.0/24"}`, true},
		{`"IpAddress":{"ip":["10.0.0.0/8","203.0.113.7"]}`, true},
		{`"IpAddress":{"ip":"203.0.113.8"}`, false},
		{`"IpAddress":{"ip":"203.0.113.9/24"}`, true}, // host bits do not matter
		{`"IpAddress":{"mapped":"203.0.113.0/24"}`, true},
		{`"IpAddress":{"ip6":"2001:DB8:1234:5678::/64"}`, true},
		{`"IpAddress":{"ip6":"0.0.0.0/0"}`, false},
		{`"NotIpAddress":{"ip":"203.0.113.0/24"}`, false},
		{`"NotIpAddress":{"absent":"203.0.113.0/24"}`, true},
		{`"IpAddress":{"s":"0.0.0.0/0"}`, false},

		{`"ArnEquals":{"arn":"arn:aws:sns:eu-west-1:123456789012:orders:eu"}`, true},
		{`"ArnEquals":{"arn":"arn:aws:sns:*:123456789012:orders:*"}`, true},
		{`"ArnLike":{"arn":"arn:aws:sns:*:orders:eu"}`, false},
		{`"ArnLike":{"arn":"arn:aws:sns:*:*:${user}"}`, false},
		{`"ArnLike":{"arn":"arn:aws:sns:*:*:*${upper/key, 'y'}"}`, false},
		{`"ArnLike":{"arn":"arn:aws:sns:*:*:${absent, 'orders'}:*"}`, true},
		{`"ArnLike":{"arn":"arn:aws:${absent, 'sns'}"}`, true},
		{`"ArnNotLike":{"arn":"arn:aws:sqs:*:*:*"}`, true},
		{`"ArnNotEquals":{"arn":"arn:aws:sns:*:*:*"}`, false},
		{`"ArnLike":{"s":"*"}`, false},
		{`"ArnNotLike":{"absent":"*"}`, true},

		{`"Null":{"absent":"true"}`, true},
		{`"Null":{"absent":"false"}`, false},
		{`"Null":{"s":"false"}`, true},
		{`"Null":{"none":true}`, true},
		{`"Null":{"s":["true","false"]}`, true},
		{`"Null":{"s":[]}`, false},

		// IfExists.
		{`"StringEqualsIfExists":{"absent":"x"}`, true},
		{`"StringEqualsIfExists":{"s":"x"}`, false},
		{`"StringNotEqualsIfExists":{"absent":"x"}`, true},
		{`"NumericLessThanIfExists":{"absent":"1"}`, true},
		{`"BoolIfExists":{"absent":"true"}`, true},
		{`"ForAnyValue:StringEqualsIfExists":{"absent":"x"}`, true},
		{`"ForAnyValue:StringEqualsIfExists":{"tags":"x"}`, false},

		// Sets.
		{`"ForAllValues:StringEquals":{"tags":["a","b","c"]}`, true},
		{`"ForAllValues:StringEquals":{"tags":["a","c"]}`, false},
		{`"ForAllValues:StringEquals":{"absent":"a"}`, true},
		{`"ForAllValues:StringEquals":{"none":"a"}`, true},
		{`"ForAllValues:StringEquals":{"empty":"a"}`, true},
		{`"ForAnyValue:StringEquals":{"tags":["b","c"]}`, true},
		{`"ForAnyValue:StringEquals":{"tags":["c"]}`, false},
		{`"ForAnyValue:StringEquals":{"absent":"a"}`, false},
		{`"ForAnyValue:StringEquals":{"none":"a"}`, false},
		{`"ForAnyValue:StringNotEquals":{"tags":"a"}`, true},
		{`"ForAnyValue:StringNotEquals":{"absent":"a"}`, false},
		{`"ForAllValues:StringNotEquals":{"tags":"c"}`, true},
		{`"ForAllValues:StringNotEquals":{"tags":"a"}`, false},
		{`"StringEquals":{"tags":"b"}`, true},
		{`"StringNotEquals":{"tags":"b"}`, false},

		// Variables.
		{`"StringEquals":{"s":"Home/${user}"}`, true},
		{`"StringEquals":{"s":"Home/${USER}"}`, true},
		{`"StringLike":{"s":"*/${user}"}`, true},
		{`"StringEquals":{"s":"Home/${absent, 'Ana'}"}`, true},
		{`"StringEquals":{"s":"Home/${user, 'x'}"}`, true},
		{`"StringEquals":{"s":"Home/${absent}"}`, false},
		{`"StringNotEquals":{"s":"Home/${absent}"}`, false}, // void
		{`"StringEquals":{"s":["Home/${absent}","Home/Ana"]}`, true},
		{`"StringEquals":{"s":"Home/${tags}"}`, false},   // several values
		{`"StringLike":{"s":"${star}"}`, false},          // a value is not a wildcard
		{`"StringLike":{"star":"${*}"}`, true},           // nor is an escape
		{`"StringLike":{"s":"${*}"}`, false},             //
		{`"StringLike":{"s":"${broken}"}`, false},        // nor are the bytes that stand for them
		{`"StringNotLike":{"s":"${broken}"}`, false},     //
		{`"StringEquals":{"s":"${$}{user}"}`, false},     //
		{`"StringEquals":{"star":"${star"}`, false},      // not closed: literal
		{`"ForAllValues:StringLike":{"tags":"?"}`, true}, //
		{`"StringEquals":{"s":"x","n":"10"}`, false},     // all keys must hold
		{`"StringEquals":{"n":"10"},"Bool":{"t":"true"}`, true},
		{`"StringEquals":{"n":"10"},"Bool":{"t":"false"}`, false},
	} {
		d := statements(t, Identity, `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{`+tt.condition+`}}`)
		s := Set{Identity: []*Doc{d}}
		r := Request{Principal: ana, Action: "s3:GetObject", Resource: "*", Keys: keys}
		if got := s.Evaluate(&r).Allowed(); got != tt.want {
			t.Errorf("{%s}: %t, want %t", tt.condition, got, tt.want)
		}
	}
}

// A document of version 2008-10-17 has no variables.
func TestVariablesNeedTheirVersion(t *testing.T) {
	const statement = `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}"}`
	r := Request{Principal: ana, Action: "s3:GetObject", Keys: KeyMap{"aws:username": One("ana")}}
	for _, tt := range []struct {
		version, key string
		want         bool
	}{
		{version2012, "ana", true},
		{version2012, "${aws:username}", false},
		{version2008, "ana", false},
		{version2008, "${aws:username}", true},
	} {
		s := Set{Resource: []*Doc{parse(t, Resource, `{"Version":"`+tt.version+`","Statement":`+statement+`}`)}}
		r.Resource = scope.Object("b", tt.key)
		if got := s.Evaluate(&r).Allowed(); got != tt.want {
			t.Errorf("version %s, key %s: %t", tt.version, tt.key, got)
		}
	}
}

// What the request itself knows does not have to be among its keys.
func TestKeysOfTheRequest(t *testing.T) {
	session := Principal{ARN: scope.AssumedRole("worker", "i1"), Issuer: scope.Role("/app/", "worker")}
	for _, tt := range []struct {
		p         Principal
		key, want string
	}{
		{ana, "aws:PrincipalArn", "arn:aws:iam::123456789012:user/ana"},
		{session, "aws:PrincipalArn", "arn:aws:iam::123456789012:role/app/worker"},
		{session, "aws:PrincipalAccount", "123456789012"},
		{ana, "aws:PrincipalType", "User"},
		{session, "aws:PrincipalType", "AssumedRole"},
		{Principal{ARN: scope.Root()}, "aws:PrincipalType", "Account"},
		{Principal{ARN: scope.FederatedUser("x")}, "aws:PrincipalType", "FederatedUser"},
		{Principal{}, "aws:PrincipalType", "Anonymous"},
		{Principal{Service: "s3.amazonaws.com"}, "aws:PrincipalServiceName", "s3.amazonaws.com"},
		{Principal{Service: "s3.amazonaws.com"}, "aws:PrincipalIsAWSService", "true"},
		{ana, "aws:PrincipalIsAWSService", "false"},
		{ana, "aws:ResourceAccount", "123456789012"},
	} {
		r := Request{Principal: tt.p, Resource: scope.Queue("q")}
		v, ok := r.key(strings.ToLower(tt.key))
		if !ok || v.one != tt.want {
			t.Errorf("%s of %s = %q, %t; want %q", tt.key, tt.p.String(), v.one, ok, tt.want)
		}
	}
	r := Request{Principal: Principal{}, Resource: "*"}
	for _, key := range []string{"aws:principalarn", "aws:principalaccount", "aws:resourceaccount", "aws:sourceip", "s3:prefix"} {
		if v, ok := r.key(key); ok {
			t.Errorf("%s of nobody = %q", key, v.one)
		}
	}
}
