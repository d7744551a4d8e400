package main

import (
	"encoding/base64"
	"testing"
	"time"
)

// The example of the specification's own libraries.
const exampleSecret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func example() Webhook {
	return Webhook{
		ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Timestamp: "1614265330", Body: `{"test": 2432232314}`,
		Signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	}
}

func TestVerify(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString(exampleSecret)
	if err != nil {
		t.Fatal(err)
	}
	sent := time.Unix(1614265330, 0)
	for _, c := range []struct {
		name   string
		change func(*Webhook)
		now    time.Time
		ok     bool
	}{
		{"as it was sent", func(*Webhook) {}, sent, true},
		{"five minutes late", func(*Webhook) {}, sent.Add(tolerance), true},
		{"later", func(*Webhook) {}, sent.Add(tolerance + 1), false},
		{"five minutes early", func(*Webhook) {}, sent.Add(-tolerance), true},
		{"earlier", func(*Webhook) {}, sent.Add(-tolerance - 1), false},
		{"one of several signatures", func(w *Webhook) { w.Signature = "v1,AAAA v1a,AAAA " + w.Signature }, sent, true},
		{"another version", func(w *Webhook) { w.Signature = "v2" + w.Signature[2:] }, sent, false},
		{"an empty signature", func(w *Webhook) { w.Signature = "v1," }, sent, false},
		{"no signature", func(w *Webhook) { w.Signature = "" }, sent, false},
		{"another body", func(w *Webhook) { w.Body += " " }, sent, false},
		{"another id", func(w *Webhook) { w.ID = "msg_1" }, sent, false},
		{"no id", func(w *Webhook) { w.ID = "" }, sent, false},
		{"another time", func(w *Webhook) { w.Timestamp = "1614265331" }, sent, false},
		{"no time", func(w *Webhook) { w.Timestamp = "now" }, sent, false},
	} {
		w := example()
		c.change(&w)
		if err := w.Verify(key, c.now); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	w := example()
	if err := w.Verify([]byte("another"), sent); err == nil {
		t.Error("another key will do")
	}
}
