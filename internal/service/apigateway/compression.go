package apigateway

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// unpack decompresses the body of a request to an API with payload compression.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-enable-compression.html
func (x *exchange) unpack() *failure {
	coding := strings.ToLower(strings.TrimSpace(x.r.Header.Get("Content-Encoding")))
	var r io.Reader
	switch coding {
	case "", "identity":
		return nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(x.body))
		if err != nil {
			return notUnpacked()
		}
		r = z
	case "deflate":
		r = flate.NewReader(bytes.NewReader(x.body))
	default:
		return &failure{"UNSUPPORTED_MEDIA_TYPE", http.StatusUnsupportedMediaType, "UnsupportedMediaTypeException", "Unsupported Media Type"}
	}
	body, err := io.ReadAll(io.LimitReader(r, maxPayload+1))
	if err != nil {
		return notUnpacked()
	}
	if len(body) > maxPayload {
		return tooLarge()
	}
	x.packed, x.body = x.body, body
	x.r.Header.Del("Content-Encoding")
	x.r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

func notUnpacked() *failure {
	return &failure{"BAD_REQUEST_BODY", http.StatusBadRequest, "BadRequestException", "Bad request"}
}

// packer holds a response back until it is complete, to compress it if it is
// large enough and the caller takes it so.
type packer struct {
	http.ResponseWriter
	coding string // that the caller takes, or ""
	least  int    // bytes
	status int
	body   bytes.Buffer
}

// newPacker returns the packer for a request.
func newPacker(w http.ResponseWriter, r *http.Request, least int) *packer {
	p := &packer{ResponseWriter: w, least: least, status: http.StatusOK}
	for offer := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.ToLower(strings.TrimSpace(offer)), ";")
		name = strings.TrimSpace(name)
		if strings.ReplaceAll(q, " ", "") == "q=0" {
			continue
		}
		switch {
		case name == "gzip" || name == "*":
			p.coding = "gzip"
			return p
		case name == "deflate":
			p.coding = name
		}
	}
	return p
}

// WriteHeader implements [http.ResponseWriter].
func (p *packer) WriteHeader(status int) { p.status = status }

// Write implements [http.ResponseWriter].
func (p *packer) Write(b []byte) (int, error) { return p.body.Write(b) }

// finish sends the response.
func (p *packer) finish() error {
	head, body := p.Header(), p.body.Bytes()
	if p.coding != "" && len(body) > 0 && len(body) >= p.least && head.Get("Content-Encoding") == "" {
		var packed bytes.Buffer
		if err := p.pack(&packed, body); err != nil {
			return err
		}
		body = packed.Bytes()
		head.Set("Content-Encoding", p.coding)
		head.Set("Content-Length", strconv.Itoa(len(body)))
	}
	p.ResponseWriter.WriteHeader(p.status)
	_, err := p.ResponseWriter.Write(body)
	return err
}

func (p *packer) pack(to io.Writer, body []byte) error {
	var w io.WriteCloser = gzip.NewWriter(to)
	if p.coding == "deflate" {
		var err error
		if w, err = flate.NewWriter(to, flate.DefaultCompression); err != nil {
			return err
		}
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	return w.Close()
}
