// Command sigv4vectors writes the test vectors of internal/sigv4: requests
// signed by the signer of aws-sdk-go-v2, in as many ways as its users have.
//
//	go run ./sigv4vectors > ../internal/sigv4/testdata/vectors.json
//
// The output depends only on the version of the SDK: the choices come from a
// fixed seed.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// A Vector is a signed request as a server receives it. Its fields are those
// that internal/sigv4's tests read.
type Vector struct {
	Name      string              `json:"name"`
	S3        bool                `json:"s3,omitempty"`
	Service   string              `json:"service"`
	Region    string              `json:"region"`
	Method    string              `json:"method"`
	Host      string              `json:"host"`
	Path      string              `json:"path"`
	Query     string              `json:"query,omitempty"`
	Header    map[string][]string `json:"header,omitempty"`
	Length    int64               `json:"length"`
	Body      string              `json:"body,omitempty"`
	AccessKey string              `json:"accessKey"`
	Secret    string              `json:"secret"`
	Token     string              `json:"token,omitempty"`
	Now       time.Time           `json:"now"`
	Presigned bool                `json:"presigned,omitempty"`
}

// A kind of request that clients of a service send.
type client struct {
	service string
	s3      bool
	methods []string
	hosts   []string
	paths   []string // unescaped
	types   []string // content types of bodies
}

var clients = []client{
	{"dynamodb", false, []string{"POST"}, []string{"dynamodb.eu-west-1.amazonaws.com", "localhost:4566", "127.0.0.1:4566"}, []string{"/"}, []string{"application/x-amz-json-1.0"}},
	{"sqs", false, []string{"POST"}, []string{"sqs.eu-west-1.amazonaws.com", "localhost:4566"}, []string{"/", "/123456789012/orders"}, []string{"application/x-amz-json-1.0", "application/x-www-form-urlencoded; charset=utf-8"}},
	{"iam", false, []string{"POST", "GET"}, []string{"iam.amazonaws.com"}, []string{"/", ""}, []string{"application/x-www-form-urlencoded"}},
	{"sts", false, []string{"POST", "GET"}, []string{"sts.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com:443"}, []string{"/"}, []string{"application/x-www-form-urlencoded"}},
	{"lambda", false, []string{"POST", "GET", "PUT", "DELETE"}, []string{"lambda.eu-west-1.amazonaws.com"}, []string{
		"/2015-03-31/functions/", "/2015-03-31/functions/resize/invocations",
		"/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:resize/invocations",
		"/2015-03-31/functions/a b+c%d/policy", "/2017-03-31/tags/arn:aws:lambda:eu-west-1:123456789012:function:ñandú",
	}, []string{"application/json", "application/octet-stream"}},
	{"execute-api", false, []string{"GET", "POST", "PATCH"}, []string{"a1b2c3d4.execute-api.eu-west-1.amazonaws.com", "localhost:4566"}, []string{
		"/dev/pets", "/dev/pets/1;v=2", "/dev/~user/a'(b)*!", "/dev/€/☃", "/dev/a=b&c", "/dev/%2F/x", "/",
	}, []string{"application/json", "text/plain"}},
	{"s3", true, []string{"GET", "PUT", "HEAD", "DELETE"}, []string{"bucket.s3.eu-west-1.amazonaws.com", "localhost:4566", "s3.amazonaws.com"}, []string{
		"/", "/key", "/photos/2026/cat.jpg", "/a b/c+d/e%f", "/double//slash", "/./dot/../dots", "/ñandú/€/☃", "/a~b!c'd(e)f*g", "/a=b&c;d,e:f@g$h", "/tab\there",
	}, []string{"application/octet-stream", "image/jpeg"}},
	{"events", false, []string{"POST"}, []string{"events.eu-west-1.amazonaws.com"}, []string{"/"}, []string{"application/x-amz-json-1.1"}},
	{"monitoring", false, []string{"POST"}, []string{"monitoring.eu-west-1.amazonaws.com"}, []string{"/service/GraniteServiceVersion20100801/operation/PutMetricData"}, []string{"application/cbor"}},
}

var queries = []string{
	"", "", "",
	"Action=ListUsers&Version=2010-05-08",
	"a=1&a=2&a=0&b",
	"list-type=2&prefix=photos%2F2026&delimiter=%2F&max-keys=100",
	"uploads", "uploadId=abc.def_-~&partNumber=3",
	"x=%20%2B%26%3D%25&y=%C3%B1&empty=&%24key=v",
	"Marker=a%2Fb&marker=A&MARKER=z",
	"q=" + strings.Repeat("long", 40),
}

var headers = []map[string]string{
	{},
	{"X-Amz-Target": "DynamoDB_20120810.PutItem"},
	{"X-Amz-Meta-Spaces": "  two   spaces  ", "X-Amz-Meta-Empty": ""},
	{"Range": "bytes=0-9", "If-Match": `"abc"`},
	{"X-Custom": "a,b , c", "Accept-Encoding": "identity", "User-Agent": "aws-sdk-go-v2/1.47.7 os/linux"},
	{"X-Amz-Acl": "private", "X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Tagging": "a=b&c=d%20e"},
}

var credentials = []aws.Credentials{
	{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
	{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ", SessionToken: "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCWV1LXdlc3QtMSJHMEUCIQD+/=="},
	{AccessKeyID: "test", SecretAccessKey: "test"},
}

func main() {
	rnd := rand.New(rand.NewPCG(4, 2026))
	var out []Vector
	for i := range 320 {
		v, err := vector(rnd, i)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		out = append(out, v)
	}
	fmt.Println("[")
	for i, v := range out {
		b, err := json.Marshal(v)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		end := ","
		if i == len(out)-1 {
			end = ""
		}
		fmt.Printf("%s%s\n", b, end)
	}
	fmt.Println("]")
}

func pick[T any](rnd *rand.Rand, from []T) T { return from[rnd.IntN(len(from))] }

func vector(rnd *rand.Rand, i int) (Vector, error) {
	c := clients[i%len(clients)]
	creds := pick(rnd, credentials)
	now := time.Date(2015+rnd.IntN(12), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), rnd.IntN(60), 0, time.UTC)
	method, path, query := pick(rnd, c.methods), pick(rnd, c.paths), pick(rnd, queries)
	presign := rnd.IntN(4) == 0

	var body string
	if method == "POST" || method == "PUT" || method == "PATCH" {
		body = pick(rnd, []string{"", "{}", `{"TableName":"orders"}`, strings.Repeat("x", 300), "Action=GetCallerIdentity&Version=2011-06-15"})
	}
	if c.s3 && presign {
		body = ""
	}
	u := &url.URL{Scheme: "https", Host: pick(rnd, c.hosts), Path: path, RawQuery: query}
	req, err := http.NewRequest(method, u.String(), strings.NewReader(body))
	if err != nil {
		return Vector{}, err
	}
	req.URL.Path, req.URL.RawPath = u.Path, u.EscapedPath()
	if c.s3 || c.service == "lambda" { // the clients of services escape more than net/url
		req.URL.RawPath = httpbinding.EscapePath(u.Path, false)
	}
	for k, v := range pick(rnd, headers) {
		req.Header.Set(k, v)
	}
	if body != "" {
		req.Header.Set("Content-Type", pick(rnd, c.types))
	}
	req.ContentLength = int64(len(body))

	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	options := []func(*v4.SignerOptions){}
	if c.s3 {
		options = append(options, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		switch {
		case presign:
			hash = "UNSIGNED-PAYLOAD"
		case rnd.IntN(3) == 0:
			hash = pick(rnd, []string{"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"})
		}
		if !presign {
			req.Header.Set("X-Amz-Content-Sha256", hash)
		}
	}

	const region = "eu-west-1"
	signer := v4.NewSigner()
	v := Vector{
		S3: c.s3, Service: c.service, Region: region, Method: method,
		AccessKey: creds.AccessKeyID, Secret: creds.SecretAccessKey, Token: creds.SessionToken,
		Now: now, Presigned: presign, Length: int64(len(body)), Body: body,
	}
	if presign {
		q := req.URL.Query()
		q.Set("X-Amz-Expires", pick(rnd, []string{"1", "900", "604800"}))
		req.URL.RawQuery = q.Encode()
		signed, header, err := signer.PresignHTTP(context.Background(), creds, req, hash, c.service, region, now, options...)
		if err != nil {
			return Vector{}, err
		}
		to, err := url.Parse(signed)
		if err != nil {
			return Vector{}, err
		}
		v.Host, v.Path, v.Query = to.Host, to.EscapedPath(), to.RawQuery
		header.Del("Host")
		v.Header = header
	} else {
		if err := signer.SignHTTP(context.Background(), creds, req, hash, c.service, region, now, options...); err != nil {
			return Vector{}, err
		}
		v.Host, v.Path, v.Query, v.Header = req.Host, req.URL.EscapedPath(), req.URL.RawQuery, req.Header
	}
	// The host goes over the wire as the client's HTTP library writes it: the
	// SDK leaves the default port away.
	v.Host = strings.TrimSuffix(v.Host, ":443")
	v.Name = fmt.Sprintf("%03d %s %s %s", i, c.service, method, path)
	return v, nil
}
