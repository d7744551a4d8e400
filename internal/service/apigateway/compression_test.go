package apigateway_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

func TestCompression(t *testing.T) {
	b := open(t)
	b.route("POST", "/")
	do(b, shapes.UpdateRestApi, &shapes.UpdateRestApiRequest{RestApiId: &b.api, PatchOperations: []shapes.PatchOperation{
		{Op: ptr("replace"), Path: ptr("/minimumCompressionSize"), Value: ptr("100")},
	}})
	b.deploy()
	long := strings.Repeat("a", 100)
	b.function.says(`{"statusCode":200,"body":"` + long + `"}`)
	for accept, want := range map[string]string{"gzip, deflate": "gzip", "deflate": "deflate", "gzip;q=0, deflate": "deflate", "*": "gzip", "br": "", "": ""} {
		r := b.request("POST", "/", "", "Accept-Encoding: "+accept)
		if got := r.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
			continue
		}
		var body io.Reader = r.Body
		switch want {
		case "gzip":
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		case "deflate":
			body = flate.NewReader(r.Body)
		}
		if text, err := io.ReadAll(body); err != nil || string(text) != long {
			t.Errorf("%q: %q, %v", accept, text, err)
		}
	}
	b.function.says(`{"statusCode":200,"body":"` + long[1:] + `"}`)
	if got := b.request("POST", "/", "", "Accept-Encoding: gzip").Header.Get("Content-Encoding"); got != "" {
		t.Errorf("what is too small is sent as %s", got)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, "hello")
	z.Close()
	b.function.events = nil
	b.request("POST", "/", packed.String(), "Content-Encoding: gzip")
	if !strings.Contains(b.function.events[0], `"body":"hello"`) {
		t.Errorf("the function got %s", b.function.events[0])
	}
	if got := brief(b.request("POST", "/", "hello", "Content-Encoding: gzip")); got != `400 {"message":"Bad request"}` {
		t.Errorf("what is no gzip: %s", got)
	}
	if got := brief(b.request("POST", "/", "hello", "Content-Encoding: br")); got != `415 {"message":"Unsupported Media Type"}` {
		t.Errorf("another coding: %s", got)
	}
}
