package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far a timestamp may be from our own clock, to either side.
const tolerance = 5 * time.Minute

// Webhook is a webhook as it came, in the form of
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type Webhook struct {
	ID        string // the same when the sender tries again
	Timestamp string // Unix, in seconds
	Signature string // one or more, such as "v1,K5oZ…", with spaces between them
	Body      string
}

// Verify checks that it was signed with a key, and not long ago. The signature
// holds the timestamp and the id, so that neither can be another.
func (w Webhook) Verify(key []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(w.Timestamp, 10, 64)
	switch {
	case w.ID == "":
		return errors.New("no webhook-id")
	case err != nil:
		return errors.New("no webhook-timestamp")
	case now.Sub(time.Unix(seconds, 0)).Abs() > tolerance:
		return errors.New("webhook-timestamp is too far from now")
	}
	want := w.mac(key)
	for s := range strings.FieldsSeq(w.Signature) { // several, while a secret is rotated
		text, ok := strings.CutPrefix(s, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		if ok && err == nil && hmac.Equal(got, want) { // in the same time whatever differs
			return nil
		}
	}
	return errors.New("no webhook-signature is right")
}

func (w Webhook) mac(key []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(w.ID + "." + w.Timestamp + "." + w.Body))
	return h.Sum(nil)
}
