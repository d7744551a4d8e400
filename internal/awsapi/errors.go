package awsapi

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/fault"
)

// writeError answers with an error in the protocol's own form.
func (f *Front) writeError(ctx context.Context, w http.ResponseWriter, t *target, e *fault.Error) int {
	call := From(ctx)
	code, status, server := f.dress(t, e)
	switch t.protocol {
	case schema.JSON10, schema.JSON11, schema.RPCv2CBOR:
		if t.service.Model.QueryErrors {
			side := "Sender"
			if server {
				side = "Receiver"
			}
			w.Header().Set("X-Amzn-Query-Error", t.service.queryCode(code)+";"+side)
		}
		if t.protocol == schema.RPCv2CBOR {
			return writeCBOR(w, call, status, appendErrorCBOR(nil, t.service.Model, e, code))
		}
		return f.writeJSON(w, call, t, status, appendErrorJSON(nil, t, e, code))
	case schema.QueryXML, schema.RESTXML:
		side := "Sender"
		if server {
			side = "Receiver"
		}
		if t.protocol == schema.QueryXML && t.service.QueryError != nil && e.Status == 0 {
			code, status = t.service.QueryError(code)
		}
		body := appendErrorXML(nil, t.service.Model, code, e.Message, side, call.ID)
		return write(w, w.Header(), requestIDHeader, call.ID, "text/xml", status, body)
	}
	head := w.Header()
	head.Set("X-Amzn-Errortype", code)
	return write(w, head, requestIDHeader, call.ID, "application/json", status, appendErrorREST(nil, t, e, server))
}

// queryCode is an error's code in the query protocol.
func (s *Service) queryCode(code string) string {
	if s.QueryError != nil {
		code, _ = s.QueryError(code)
	}
	return code
}

// dress gives an error the code and the status that the service's protocol
// uses for it.
func (f *Front) dress(t *target, e *fault.Error) (code string, status int, server bool) {
	code, status = e.Code, e.Status
	m := t.service.Model
	if tag := errorShape(m, code); tag != nil {
		server = tag.Fault.Server
		if status == 0 {
			status = tag.Fault.Status
		}
	}
	if status == 0 {
		status = http.StatusBadRequest
		if server {
			status = http.StatusInternalServerError
		}
	}
	if code == accessDenied && t.service.DeniedCode != "" {
		code = t.service.DeniedCode
	}
	if code == accessDenied {
		switch t.protocol {
		case schema.JSON10, schema.JSON11, schema.RPCv2CBOR:
			code, status = "AccessDeniedException", http.StatusBadRequest
			if m.QueryErrors {
				code = "AccessDenied"
			}
		case schema.RESTJSON:
			code = "AccessDeniedException"
		}
	}
	return code, status, server || status >= 500
}

// errorShape finds the model's shape of an error code.
func errorShape(m *schema.Model, code string) *schema.Shape {
	all := m.Shapes.All()
	for i := range all {
		if s := &all[i]; s.Fault.Code == code && code != "" {
			return s
		}
	}
	return nil
}

func appendErrorJSON(dst []byte, t *target, e *fault.Error, code string) []byte {
	dst = append(dst, `{"__type":`...)
	dst = wire.AppendString(dst, errorType(t.service.Model, e, code))
	return appendErrorMembers(dst, t, e, code)
}

// errorType is what __type says of an error: the name of its shape, which of a
// service with older clients need not be its code, in the service's name space.
func errorType(m *schema.Model, e *fault.Error, code string) string {
	name := code
	if m.QueryErrors {
		name = errorName(m, e, code)
	}
	if pkg := errorPackage(m, code); pkg != "" {
		return pkg + "#" + name
	}
	return name
}

// errorName is the name of the shape of an error: of several with its code, that of
// its detail, or that which is called like the code.
func errorName(m *schema.Model, e *fault.Error, code string) string {
	if e.Detail != nil {
		return reflect.TypeOf(e.Detail).Elem().Name()
	}
	name := code
	all := m.Shapes.All()
	for i := range all {
		if s := &all[i]; s.Fault.Code == code && code != "" {
			if s.Name == code {
				return code
			}
			name = s.Name
		}
	}
	return name
}

// errorPackage is the name space that services put before an error's name;
// clients cut it off. The common errors come from AWS's service framework.
func errorPackage(m *schema.Model, code string) string {
	if m.ErrorPackage == "" {
		return ""
	}
	switch code {
	case "ValidationException":
		return "com.amazon.coral.validate"
	case "SerializationException", "UnknownOperationException", "AccessDeniedException", "UnrecognizedClientException",
		"MissingAuthenticationTokenException", "IncompleteSignatureException", "InvalidSignatureException", "ExpiredTokenException":
		return "com.amazon.coral.service"
	}
	return m.ErrorPackage
}

// appendErrorMembers appends the message under the name that the error's shape
// gives it, and the shape's further members.
func appendErrorMembers(dst []byte, t *target, e *fault.Error, code string) []byte {
	m := t.service.Model
	message := "message"
	if s := errorShape(m, code); s != nil {
		for i := range s.Members {
			if strings.EqualFold(s.Members[i].Wire, "message") {
				message = s.Members[i].Wire
			}
		}
	} else if code == "SerializationException" {
		message = "Message"
	}
	dst = append(dst, ',')
	dst = wire.AppendString(dst, message)
	dst = append(dst, ':')
	dst = wire.AppendString(dst, e.Message)
	return append(appendDetail(dst, m, e), '}')
}

// appendDetail appends the members of an error's shape but for the message.
func appendDetail(dst []byte, m *schema.Model, e *fault.Error) []byte {
	if e.Detail == nil {
		return dst
	}
	s := errorShape(m, e.Code)
	if s == nil {
		return dst
	}
	detail := reflect.New(reflect.TypeOf(e.Detail).Elem())
	detail.Elem().Set(reflect.ValueOf(e.Detail).Elem())
	for i := range s.Members {
		if strings.EqualFold(s.Members[i].Wire, "message") {
			detail.Elem().Field(i).SetZero()
		}
	}
	body := wire.AppendJSON(nil, m, refOf(m, s), detail.Interface())
	if len(body) <= 2 {
		return dst
	}
	dst = append(dst, ',')
	return append(dst, body[1:len(body)-1]...)
}

func refOf(m *schema.Model, s *schema.Shape) schema.Ref {
	all := m.Shapes.All()
	for i := range all {
		if &all[i] == s {
			return schema.Ref(i)
		}
	}
	return schema.None
}

// appendErrorREST is the body of a REST-JSON error; its code stands in a
// header.
func appendErrorREST(dst []byte, t *target, e *fault.Error, server bool) []byte {
	side := "User"
	if server {
		side = "Service"
	}
	dst = append(dst, '{')
	if t.service.Model.ID == "lambda" || errorHasType(t.service.Model, e.Code) {
		dst = append(dst, `"Type":`...)
		dst = wire.AppendString(dst, side)
		dst = append(dst, ',')
	}
	members := appendErrorMembers(nil, t, e, e.Code)
	return append(dst, members[1:]...)
}

func errorHasType(m *schema.Model, code string) bool {
	if s := errorShape(m, code); s != nil {
		for i := range s.Members {
			if s.Members[i].Wire == "Type" {
				return true
			}
		}
	}
	return false
}

func appendErrorXML(dst []byte, m *schema.Model, code, message, side, id string) []byte {
	if m.Protocols[0] == schema.RESTXML {
		dst = append(dst, `<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error><Code>"...)
		dst = wire.AppendXMLText(dst, code)
		dst = append(dst, "</Code><Message>"...)
		dst = wire.AppendXMLText(dst, message)
		dst = append(dst, "</Message><RequestId>"...)
		dst = wire.AppendXMLText(dst, id)
		return append(dst, "</RequestId></Error>"...)
	}
	dst = append(dst, `<ErrorResponse xmlns="`...)
	dst = wire.AppendXMLText(dst, m.Namespace)
	dst = append(dst, `"><Error><Type>`...)
	dst = append(dst, side...)
	dst = append(dst, "</Type><Code>"...)
	dst = wire.AppendXMLText(dst, code)
	dst = append(dst, "</Code><Message>"...)
	dst = wire.AppendXMLText(dst, message)
	dst = append(dst, "</Message></Error><RequestId>"...)
	dst = wire.AppendXMLText(dst, id)
	return append(dst, "</RequestId></ErrorResponse>"...)
}
