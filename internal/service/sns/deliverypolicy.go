package sns

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"github.com/nube-run/nube/internal/fault"
)

// Delivery policies say how often, and after which pauses, a message to an HTTP
// or HTTPS endpoint is tried again.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html

// retryPolicy is the phases of the retries: some at once, some after the least
// pause, some with growing pauses, some after the longest.
type retryPolicy struct {
	MinDelay   int    `json:"minDelayTarget"`
	MaxDelay   int    `json:"maxDelayTarget"`
	Retries    int    `json:"numRetries"`
	AtMaxDelay int    `json:"numMaxDelayRetries"`
	AtOnce     int    `json:"numNoDelayRetries"`
	AtMinDelay int    `json:"numMinDelayRetries"`
	Backoff    string `json:"backoffFunction"`
}

// throttlePolicy is how often an endpoint may be called; 0 is as often as there
// is something.
type throttlePolicy struct {
	PerSecond int `json:"maxReceivesPerSecond,omitempty"`
}

// requestPolicy is how requests to an endpoint look.
type requestPolicy struct {
	ContentType string `json:"headerContentType"`
}

// deliveryPolicy is how an endpoint is delivered to.
type deliveryPolicy struct {
	retry        retryPolicy
	throttle     throttlePolicy
	request      requestPolicy
	noOverriding bool // of a topic: those of its subscriptions do not count
}

func defaultDelivery() deliveryPolicy {
	return deliveryPolicy{
		retry:   retryPolicy{MinDelay: 20, MaxDelay: 20, Retries: 3, Backoff: "linear"},
		request: requestPolicy{ContentType: "text/plain; charset=UTF-8"},
	}
}

// topicDelivery reads the policy of a topic.
func topicDelivery(text string) (deliveryPolicy, error) {
	d := defaultDelivery()
	if text == "" {
		return d, nil
	}
	var doc struct {
		HTTP struct {
			Retry    *retryPolicy    `json:"defaultHealthyRetryPolicy"`
			Throttle *throttlePolicy `json:"defaultThrottlePolicy"`
			Request  *requestPolicy  `json:"defaultRequestPolicy"`
			Disable  bool            `json:"disableSubscriptionOverrides"`
		} `json:"http"`
	}
	doc.HTTP.Retry, doc.HTTP.Throttle, doc.HTTP.Request = &d.retry, &d.throttle, &d.request
	if err := readPolicy(text, &doc); err != nil {
		return d, err
	}
	d.noOverriding = doc.HTTP.Disable
	return d, d.check("http.default", "http.defaultHealthy")
}

// subscriptionDelivery reads the policy of a subscription, which takes from its
// topic's what it does not say.
func subscriptionDelivery(text string, ofTopic deliveryPolicy) (deliveryPolicy, error) {
	d := ofTopic
	if text == "" {
		return d, nil
	}
	var doc struct {
		Retry    *retryPolicy    `json:"healthyRetryPolicy"`
		Sickly   *retryPolicy    `json:"sicklyRetryPolicy"`
		Throttle *throttlePolicy `json:"throttlePolicy"`
		Request  *requestPolicy  `json:"requestPolicy"`
		Guaranty bool            `json:"guaranteed"`
	}
	doc.Retry, doc.Throttle, doc.Request = &d.retry, &d.throttle, &d.request
	if err := readPolicy(text, &doc); err != nil {
		return d, err
	}
	if err := d.check("", "healthy"); err != nil {
		return d, err
	}
	if ofTopic.noOverriding {
		return ofTopic, nil
	}
	return d, nil
}

func readPolicy(text string, into any) error {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return invalid("DeliveryPolicy: failed to parse JSON. %s", err)
	}
	return nil
}

// check holds a policy to the documented limits. What its members are called
// begins as given.
func (d *deliveryPolicy) check(prefix, retry string) error {
	r := &d.retry
	bad := func(what, why string) *fault.Error {
		return invalid("DeliveryPolicy: %sRetryPolicy.%s %s", retry, what, why)
	}
	if d.throttle.PerSecond < 0 {
		name := "throttlePolicy"
		if prefix != "" {
			name = prefix + "ThrottlePolicy"
		}
		return invalid("DeliveryPolicy: %s.maxReceivesPerSecond must be greater than or equal to 1", name)
	}
	phases := r.AtOnce + r.AtMinDelay + r.AtMaxDelay
	switch {
	case r.MinDelay < 1 || r.MinDelay > r.MaxDelay:
		return bad("minDelayTarget", "must be between 1 and maxDelayTarget")
	case r.MaxDelay > 3600:
		return bad("maxDelayTarget", "must be less than or equal to 3600")
	case r.Retries < 0 || r.Retries > 100:
		return bad("numRetries", "must be between 0 and 100")
	case r.AtOnce < 0 || r.AtMinDelay < 0 || r.AtMaxDelay < 0 || phases > r.Retries:
		return bad("numRetries", "must be greater than or equal to the sum of numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries")
	}
	switch r.Backoff {
	case "linear", "arithmetic", "geometric", "exponential":
		return nil
	}
	return bad("backoffFunction", "must be one of linear, arithmetic, geometric, exponential")
}

// effective is the policy as GetTopicAttributes shows it.
func (d *deliveryPolicy) effective() string {
	type http struct {
		Retry    retryPolicy     `json:"defaultHealthyRetryPolicy"`
		Throttle *throttlePolicy `json:"defaultThrottlePolicy,omitempty"`
		Disable  bool            `json:"disableSubscriptionOverrides"`
		Request  requestPolicy   `json:"defaultRequestPolicy"`
	}
	b, _ := json.Marshal(struct {
		HTTP http `json:"http"`
	}{http{d.retry, d.throttled(), d.noOverriding, d.request}})
	return string(b)
}

// throttled is the throttle policy, if there is one.
func (d *deliveryPolicy) throttled() *throttlePolicy {
	if d.throttle.PerSecond == 0 {
		return nil
	}
	return &d.throttle
}

// effectiveOf is the policy as GetSubscriptionAttributes shows it.
func (d *deliveryPolicy) effectiveOf() string {
	b, _ := json.Marshal(struct {
		Retry    retryPolicy     `json:"healthyRetryPolicy"`
		Sickly   any             `json:"sicklyRetryPolicy"`
		Throttle *throttlePolicy `json:"throttlePolicy"`
		Request  requestPolicy   `json:"requestPolicy"`
		Guaranty bool            `json:"guaranteed"`
	}{Retry: d.retry, Throttle: d.throttled(), Request: d.request})
	return string(b)
}

// pause is how long to wait before a retry, the first of which is 1. Between the
// phases at the ends the pause grows from the least to the longest: by steps of
// the same size, by steps that grow, by a constant factor, or exponentially.
func (r *retryPolicy) pause(retry int) time.Duration {
	least, most := float64(r.MinDelay), float64(r.MaxDelay)
	growing := r.Retries - r.AtOnce - r.AtMinDelay - r.AtMaxDelay
	seconds := most
	switch at := retry - r.AtOnce - r.AtMinDelay; {
	case retry <= r.AtOnce:
		return 0
	case at <= 0:
		seconds = least
	case at <= growing && growing > 1:
		x := float64(at-1) / float64(growing-1) // from 0 to 1
		switch r.Backoff {
		case "linear":
			seconds = least + (most-least)*x
		case "arithmetic":
			seconds = least + (most-least)*x*x
		case "geometric":
			seconds = least * math.Pow(most/least, x)
		case "exponential":
			seconds = min(most, least*math.Pow(2, float64(at-1)))
		}
	}
	return time.Duration(seconds * float64(time.Second))
}
