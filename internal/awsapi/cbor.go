package awsapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/fault"
)

// writeCBOR answers in Smithy's RPC v2 protocol. Clients take no answer for one
// that does not name the protocol.
//
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#responses
func writeCBOR(w http.ResponseWriter, call *Call, status int, body []byte) int {
	head := w.Header()
	head["Smithy-Protocol"] = []string{"rpc-v2-cbor"}
	return write(w, head, requestIDHeader, call.ID, "application/cbor", status, body)
}

// appendErrorCBOR is the body of an error: __type, the message under the name that
// its shape gives it, and the shape's further members.
func appendErrorCBOR(dst []byte, m *schema.Model, e *fault.Error, code string) []byte {
	texts := []wire.CBORMember{{Name: "__type", Value: errorType(m, e, code)}, {Name: "message", Value: e.Message}}
	s := errorShape(m, code)
	if s == nil {
		return wire.AppendCBORError(dst, m, texts, schema.None, nil)
	}
	at := -1
	for i := range s.Members {
		if strings.EqualFold(s.Members[i].Wire, "message") {
			at, texts[1].Name = i, s.Members[i].Wire
		}
	}
	if e.Detail == nil {
		return wire.AppendCBORError(dst, m, texts, schema.None, nil)
	}
	detail := reflect.New(reflect.TypeOf(e.Detail).Elem())
	detail.Elem().Set(reflect.ValueOf(e.Detail).Elem())
	if at >= 0 {
		detail.Elem().Field(at).SetZero()
	}
	return wire.AppendCBORError(dst, m, texts, refOf(m, s), detail.Interface())
}

// inflate returns the body as it was before its client compressed it, which SDKs
// do with large inputs of operations that their model marks, all of them of RPC
// protocols. What a REST client compresses is the application's.
//
// https://smithy.io/2.0/spec/behavior-traits.html#requestcompression-trait
func inflate(r *http.Request, t *target, body []byte) ([]byte, error) {
	if t.protocol == schema.RESTJSON || t.protocol == schema.RESTXML || !strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		return body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, serialization(t, errors.New("The body is not compressed by gzip"))
	}
	out, err := io.ReadAll(io.LimitReader(z, maxBody+1))
	if err != nil {
		return nil, serialization(t, errors.New("The body is not compressed by gzip"))
	}
	if len(out) > maxBody {
		return nil, fault.New("RequestEntityTooLargeException", "Request must be smaller than %d bytes", maxBody).With(http.StatusRequestEntityTooLarge)
	}
	return out, nil
}
