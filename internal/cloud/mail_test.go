package cloud

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

// TestMailSubscription: an address is subscribed to a topic, opens the link in
// the mail that it gets, and has what is published from then on.
func TestMailSubscription(t *testing.T) {
	c, err := Open(t.Context(), Options{Isolation: sandbox.Off})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	root, box := c.asRoot(t.Context(), c.scope), mailbox{c.parts.ses}
	// next waits for a mail with this in its subject.
	next := func(subject string) control.Letter {
		t.Helper()
		for m, err := range box.Follow(t.Context(), c.opts.Account, c.opts.Region, control.MailQuery{To: "ana@example.com", Subject: subject}) {
			if err != nil {
				t.Fatal(err)
			}
			l, err := box.Mail(t.Context(), c.opts.Account, c.opts.Region, m.ID)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		return control.Letter{}
	}
	topic, err := awsapi.Do(root, c.front, shapes.CreateTopic, &shapes.CreateTopicInput{Name: ptr("news")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = awsapi.Do(root, c.front, shapes.Subscribe, &shapes.SubscribeInput{TopicArn: topic.TopicArn, Protocol: ptr("email"), Endpoint: ptr("ana@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	publish := func(subject string) {
		t.Helper()
		if _, err := awsapi.Do(root, c.front, shapes.Publish, &shapes.PublishInput{TopicArn: topic.TopicArn, Subject: &subject, Message: ptr("text of " + subject)}); err != nil {
			t.Fatal(err)
		}
	}
	publish("too early")
	asked := next("Subscription Confirmation")
	link := regexp.MustCompile(`https?://\S*ConfirmSubscription\S*`).FindString(asked.Text)
	if u, err := url.Parse(link); err != nil || !strings.HasPrefix(link, c.Endpoint()) || u.Query().Get("Token") == "" {
		t.Fatalf("the mail has no link to confirm with: %s", asked.Text)
	}
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the link: %s %s", resp.Status, page)
	}
	publish("in time")
	if got := next("in time"); !strings.HasPrefix(got.Text, "text of in time") || got.By == "" {
		t.Errorf("the mail is %+v", got)
	}
	early, err := box.Mails(t.Context(), c.opts.Account, c.opts.Region, control.MailQuery{Subject: "too early"})
	if err != nil || len(early) > 0 {
		t.Errorf("before the confirmation came %+v, %v", early, err)
	}
}

// TestMailEvents: what becomes of mail goes to a topic whose policy lets SES
// publish, and on to whom the topic tells.
func TestMailEvents(t *testing.T) {
	c, err := Open(t.Context(), Options{Isolation: sandbox.Off})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	root, box := c.asRoot(t.Context(), c.scope), mailbox{c.parts.ses}
	topic, err := awsapi.Do(root, c.front, shapes.CreateTopic, &shapes.CreateTopicInput{Name: ptr("events"), Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ses.amazonaws.com"},"Action":"sns:Publish","Resource":"*","Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:ses:us-east-1:000000000000:configuration-set/set"}}}]}`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := awsapi.Do(root, c.front, shapes.Subscribe, &shapes.SubscribeInput{TopicArn: topic.TopicArn, Protocol: ptr("email-json"), Endpoint: ptr("ops@example.com"), ReturnSubscriptionArn: ptr(true)})
	if err != nil || sub.SubscriptionArn == nil {
		t.Fatal(err)
	}
	for m, err := range box.Follow(t.Context(), c.opts.Account, c.opts.Region, control.MailQuery{To: "ops@example.com"}) {
		if err != nil {
			t.Fatal(err)
		}
		l, err := box.Mail(t.Context(), c.opts.Account, c.opts.Region, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(l.Text, "bounce@simulator.amazonses.com") { // the confirmation
			link := regexp.MustCompile(`https?://[^\s"]*ConfirmSubscription[^\s"]*`).FindString(l.Text)
			resp, err := http.Get(strings.ReplaceAll(link, `\u0026`, "&"))
			if err != nil {
				t.Fatalf("%s: %v", l.Text, err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("the link %s: %s", link, resp.Status)
			}
			c.bounceOne(t, *topic.TopicArn)
			continue
		}
		if !strings.Contains(l.Text, `\"eventType\":\"Bounce\"`) {
			t.Errorf("the topic told %s", l.Text)
		}
		return
	}
}

// bounceOne sends a mail that bounces, with a configuration set that tells a topic.
func (c *Cloud) bounceOne(t *testing.T, topic string) {
	t.Helper()
	root, set := c.asRoot(t.Context(), c.scope), ptr("set")
	if _, err := awsapi.Do(root, c.front, sesv2.CreateConfigurationSet, &sesv2.CreateConfigurationSetRequest{ConfigurationSetName: set}); err != nil {
		t.Fatal(err)
	}
	_, err := awsapi.Do(root, c.front, sesv2.CreateConfigurationSetEventDestination, &sesv2.CreateConfigurationSetEventDestinationRequest{
		ConfigurationSetName: set, EventDestinationName: ptr("d"), EventDestination: &sesv2.EventDestinationDefinition{
			Enabled: ptr(true), MatchingEventTypes: []string{"BOUNCE"}, SnsDestination: &sesv2.SnsDestination{TopicArn: &topic},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = awsapi.Do(root, c.front, sesv2.SendEmail, &sesv2.SendEmailRequest{
		FromEmailAddress: ptr("shop@example.com"), Destination: &sesv2.Destination{ToAddresses: []string{"bounce@simulator.amazonses.com"}}, ConfigurationSetName: set,
		Content: &sesv2.EmailContent{Simple: &sesv2.Message{Subject: &sesv2.Content{Data: ptr("x")}, Body: &sesv2.Body{Text: &sesv2.Content{Data: ptr("x")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
