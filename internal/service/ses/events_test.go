package ses

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/delivery"
)

// topics takes what is told to topics of SNS.
type topics struct {
	mu   sync.Mutex
	told []delivery.Effect
}

// Scheme implements [delivery.Receiver].
func (*topics) Scheme() string { return "sns" }

// Accept implements [delivery.Accepter].
func (s *topics) Accept(_ context.Context, es []delivery.Effect) []delivery.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, es...)
	return make([]delivery.Outcome, len(es))
}

// take returns what was told, in words.
func (s *topics) take(t *testing.T) (out []string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.told {
		var event mailEvent
		if err := json.Unmarshal(e.Payload, &event); err != nil {
			t.Fatal(err)
		}
		var who, why string
		switch {
		case event.Delivery != nil:
			who = event.Delivery.Recipients[0]
		case event.Bounce != nil:
			who, why = event.Bounce.BouncedRecipients[0].EmailAddress, event.Bounce.BounceSubType
		case event.Complaint != nil:
			who = event.Complaint.ComplainedRecipients[0].EmailAddress
		case event.DeliveryDelay != nil:
			who = event.DeliveryDelay.DelayedRecipients[0].EmailAddress
		case event.Failure != nil:
			why = event.Failure.TemplateName + ": " + event.Failure.ErrorMessage
		}
		out = append(out, strings.Join(strings.Fields(fmt.Sprint(strings.TrimPrefix(e.Target, "arn:aws:sns:eu-west-1:123456789012:"), " ", event.EventType, " ", who, " ", why)), " "))
	}
	s.told = nil
	slices.Sort(out)
	return out
}

const withSet = `"Source":"shop@example.com","ConfigurationSetName":"c",`

// TestEvents: a configuration set tells topics what becomes of its mail.
func TestEvents(t *testing.T) {
	b := newBed(t, Options{})
	b.do("v1.CreateConfigurationSet", `{"ConfigurationSet":{"Name":"c"}}`, nil)
	b.do("v1.CreateConfigurationSetEventDestination", `{"ConfigurationSetName":"c","EventDestination":{"Name":"all","Enabled":true,"MatchingEventTypes":["send","bounce","complaint","delivery","renderingFailure"],"SNSDestination":{"TopicARN":"arn:aws:sns:eu-west-1:123456789012:all"}}}`, nil)
	b.do("v2.CreateConfigurationSetEventDestination", `{"ConfigurationSetName":"c","EventDestinationName":"bad","EventDestination":{"Enabled":true,"MatchingEventTypes":["BOUNCE"],"SnsDestination":{"TopicArn":"arn:aws:sns:eu-west-1:123456789012:bad"}}}`, nil)
	b.do("v2.CreateConfigurationSetEventDestination", `{"ConfigurationSetName":"c","EventDestinationName":"off","EventDestination":{"Enabled":false,"MatchingEventTypes":["SEND"],"SnsDestination":{"TopicArn":"arn:aws:sns:eu-west-1:123456789012:off"}}}`, nil)
	b.do("v2.PutSuppressedDestination", `{"EmailAddress":"gone@example.com","Reason":"BOUNCE"}`, nil)
	b.do("v1.CreateTemplate", `{"Template":{"TemplateName":"t","SubjectPart":"{{x}}","TextPart":"x"}}`, nil)
	message := `"Message":{"Subject":{"Data":"x"},"Body":{"Text":{"Data":"x"}}}}`
	told := func(want ...string) {
		t.Helper()
		b.settle()
		if d := cmp.Diff(want, b.topics.take(t)); d != "" {
			t.Error(d)
		}
	}

	b.do("v1.SendEmail", `{`+withSet+`"Destination":{"ToAddresses":["ana@example.com","complaint@simulator.amazonses.com"]},"Tags":[{"Name":"campaign","Value":"spring"}],`+message, nil)
	b.settle()
	e := b.topics.told[0]
	if e.Actor.Service != "ses.amazonaws.com" || e.SourceARN != "arn:aws:ses:eu-west-1:123456789012:configuration-set/c" || !strings.Contains(string(e.Payload), `"campaign":["spring"]`) {
		t.Errorf("it is told by %+v for %s: %s", e.Actor, e.SourceARN, e.Payload)
	}
	told("all Complaint complaint@simulator.amazonses.com", "all Delivery ana@example.com", "all Delivery complaint@simulator.amazonses.com", "all Send")

	b.do("v1.SendEmail", `{`+withSet+`"Destination":{"ToAddresses":["gone@example.com","bounce@simulator.amazonses.com"]},`+message, nil)
	told("all Bounce bounce@simulator.amazonses.com General", "all Bounce gone@example.com OnAccountSuppressionList", "all Send",
		"bad Bounce bounce@simulator.amazonses.com General", "bad Bounce gone@example.com OnAccountSuppressionList")

	b.do("v1.SendTemplatedEmail", `{`+withSet+`"Destination":{"ToAddresses":["ana@example.com"]},"Template":"t","TemplateData":"{}"}`, nil)
	told("all Rendering Failure t: Attribute 'x' is not present in the rendering data.")

	// Nobody is told of mail without the set, nor after its destinations are gone.
	b.do("v1.SendEmail", `{"Source":"shop@example.com","Destination":{"ToAddresses":["ana@example.com"]},`+message, nil)
	told()
	b.do("v1.DeleteConfigurationSetEventDestination", `{"ConfigurationSetName":"c","EventDestinationName":"all"}`, nil)
	b.do("v1.SendEmail", `{`+withSet+`"Destination":{"ToAddresses":["ana@example.com"]},`+message, nil)
	told()
}

// TestEventsOfMailServer: what the mail server says is told when it says it.
func TestEventsOfMailServer(t *testing.T) {
	var mu sync.Mutex
	busy := true
	p := newPostOffice(t, func(command string) string {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.HasPrefix(command, "RCPT TO:<bo@"):
			return "550 no such user"
		case strings.HasPrefix(command, "RCPT TO:<ana@") && busy:
			return "450 come back later"
		}
		return ""
	})
	b := newBed(t, Options{Server: p.server()})
	b.do("v1.CreateConfigurationSet", `{"ConfigurationSet":{"Name":"c"}}`, nil)
	b.do("v2.CreateConfigurationSetEventDestination", `{"ConfigurationSetName":"c","EventDestinationName":"all","EventDestination":{"Enabled":true,"MatchingEventTypes":["DELIVERY","BOUNCE","DELIVERY_DELAY"],"SnsDestination":{"TopicArn":"arn:aws:sns:eu-west-1:123456789012:all"}}}`, nil)
	b.do("v1.SendEmail", `{`+withSet+`"Destination":{"ToAddresses":["ana@example.com","bo@example.com"]},"Message":{"Subject":{"Data":"x"},"Body":{"Text":{"Data":"x"}}}}`, nil)
	b.settle()
	if d := cmp.Diff([]string{"all Bounce bo@example.com General", "all DeliveryDelay ana@example.com"}, b.topics.take(t)); d != "" {
		t.Error(d)
	}
	mu.Lock()
	busy = false
	mu.Unlock()
	if err := b.model.Set(b.model.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.settle()
	if d := cmp.Diff([]string{"all Delivery ana@example.com"}, b.topics.take(t)); d != "" {
		t.Error(d)
	}
}
