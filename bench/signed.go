package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signed is a request of the JSON protocol as bytes, signed with Signature
// Version 4.
func signed(ctx context.Context, host, service, target string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	kind := "application/x-amz-json-1.0"
	if service == "events" {
		kind = "application/x-amz-json-1.1"
	}
	return sign(ctx, host, service, "/", string(body), "Content-Type", kind, "X-Amz-Target", target)
}

// signedForm is one of the query protocol.
func signedForm(ctx context.Context, host, service string, form url.Values) ([]byte, error) {
	return sign(ctx, host, service, "/", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// signREST is one of the REST-JSON protocol.
func signREST(ctx context.Context, host, service, path, body string) ([]byte, error) {
	return sign(ctx, host, service, path, body, "Content-Type", "application/json")
}

func sign(ctx context.Context, host, service, path, body string, header ...string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+host+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	hash := sha256.Sum256([]byte(body))
	creds := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(hash[:]), service, "us-east-1", time.Now()); err != nil {
		return nil, err
	}
	var head []string
	for k := range req.Header {
		head = append(head, k, req.Header.Get(k))
	}
	return request(http.MethodPost, host, path, body, head...), nil
}
