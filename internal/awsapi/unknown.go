package awsapi

import (
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/wire"
)

// credential is the key and scope of a request's signature, not verified yet:
// it says which service and region are meant.
type credential struct {
	key, region, service string
}

// credentialScope reads Credential=AKID/date/region/service/aws4_request from
// the Authorization header or the presigned query.
func credentialScope(r *http.Request) credential {
	text := ""
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		text, _, _ = strings.Cut(after, ",")
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		text = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(strings.TrimSpace(text), "/")
	if len(parts) < 5 {
		return credential{}
	}
	n := len(parts)
	return credential{key: parts[0], region: parts[n-3], service: parts[n-2]}
}

// unknownRequest answers a request that means no service that this cloud
// offers, naming what it seems to want.
func (f *Front) unknownRequest(w http.ResponseWriter, r *http.Request, call *Call, cred credential) {
	wanted := cred.service
	if t := r.Header.Get("X-Amz-Target"); t != "" {
		wanted = t
	}
	names := make([]string, len(f.services))
	for i, s := range f.services {
		names[i] = s.Model.ID
	}
	message := "no service is meant by this request"
	status := http.StatusNotFound
	if wanted != "" {
		message = wanted + " is not a service that this cloud offers"
		status = http.StatusNotImplemented
	}
	message += "; it offers " + strings.Join(names, ", ") + "."
	head := w.Header()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		dst := append([]byte(nil), "<ErrorResponse><Error><Type>Sender</Type><Code>NotImplemented</Code><Message>"...)
		dst = wire.AppendXMLText(dst, message)
		dst = append(dst, "</Message></Error><RequestId>"+call.ID+"</RequestId></ErrorResponse>"...)
		write(w, head, requestIDHeader, call.ID, "text/xml", status, dst)
		return
	}
	head.Set("X-Amzn-Errortype", "NotImplemented")
	body := wire.AppendString([]byte(`{"__type":"NotImplemented","message":`), message)
	write(w, head, requestIDHeader, call.ID, "application/json", status, append(body, '}'))
}
