package resource_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
)

const mailV1 = `
Resources:
  Domain:
    Type: AWS::SES::EmailIdentity
    Properties:
      EmailIdentity: shop.example
      ConfigurationSetAttributes: {ConfigurationSetName: !Ref Set}
      MailFromAttributes: {MailFromDomain: mail.shop.example}
      Tags: [{Key: team, Value: blue}]
  Address:
    Type: AWS::SES::EmailIdentity
    Properties: {EmailIdentity: ana@example.com}
  Set:
    Type: AWS::SES::ConfigurationSet
    Properties:
      SendingOptions: {SendingEnabled: false}
      SuppressionOptions: {SuppressedReasons: [BOUNCE]}
  Told:
    Type: AWS::SES::ConfigurationSetEventDestination
    Properties:
      ConfigurationSetName: !Ref Set
      EventDestination:
        Name: told
        Enabled: true
        MatchingEventTypes: [bounce, renderingFailure]
        SnsDestination: {TopicARN: "arn:aws:sns:eu-central-1:123456789012:t"}
  Unnamed2:
    Type: AWS::SES::ConfigurationSetEventDestination
    Properties:
      ConfigurationSetName: !Ref Set
      EventDestination: {MatchingEventTypes: [SEND], SnsDestination: {TopicARN: "arn:aws:sns:eu-central-1:123456789012:t"}}
  Welcome:
    Type: AWS::SES::Template
    Properties:
      Template: {TemplateName: welcome, SubjectPart: "Hello {{name}}", TextPart: text}
      Tags: [{Key: team, Value: blue}]
  Unnamed:
    Type: AWS::SES::Template
    Properties: {Template: {SubjectPart: s, HtmlPart: h}}
Outputs:
  Domain: {Value: !Ref Domain}
  Record: {Value: !GetAtt Domain.DkimDNSTokenName1}
  Value: {Value: !GetAtt Domain.DkimDNSTokenValue3}
  None: {Value: !GetAtt Address.DkimDNSTokenName1}
  Set: {Value: !Ref Set}
  Welcome: {Value: !Ref Welcome}
  Id: {Value: !GetAtt Welcome.Id}
  Unnamed: {Value: !Ref Unnamed}
`

func TestMail(t *testing.T) {
	l := newLive(t)
	st := l.up(mailV1)
	set := output(st, "Set")
	if output(st, "Domain") != "shop.example" || output(st, "Welcome") != "welcome" || output(st, "Id") != "welcome" || output(st, "None") != "" ||
		!strings.HasPrefix(output(st, "Unnamed"), "app-Unnamed-") || !strings.HasPrefix(set, "app-Set-") ||
		!strings.HasSuffix(output(st, "Record"), "._domainkey.shop.example") || !strings.HasSuffix(output(st, "Value"), ".dkim.amazonses.com") {
		t.Errorf("outputs: %v", st.Outputs)
	}
	domain := ask(l, v2.GetEmailIdentity, &v2.GetEmailIdentityRequest{EmailIdentity: ptr("shop.example")})
	if !*domain.VerifiedForSendingStatus || *domain.ConfigurationSetName != set || len(domain.Tags) != 1 {
		t.Errorf("the domain is %+v", domain)
	}
	have := ask(l, v2.GetConfigurationSet, &v2.GetConfigurationSetRequest{ConfigurationSetName: &set})
	if *have.SendingOptions.SendingEnabled || !cmp.Equal(have.SuppressionOptions.SuppressedReasons, []string{"BOUNCE"}) {
		t.Errorf("the set is %+v, %+v", have.SendingOptions, have.SuppressionOptions)
	}

	told := func() (out []string) {
		t.Helper()
		for _, d := range ask(l, v2.GetConfigurationSetEventDestinations, &v2.GetConfigurationSetEventDestinationsRequest{ConfigurationSetName: &set}).EventDestinations {
			name, _, _ := strings.Cut(*d.Name, "-")
			out = append(out, fmt.Sprint(name, " ", *d.Enabled, " ", d.MatchingEventTypes))
		}
		return out
	}
	if got := told(); !cmp.Equal(got, []string{"app false [SEND]", "told true [BOUNCE RENDERING_FAILURE]"}) {
		t.Errorf("destinations: %q", got)
	}

	st = l.up(strings.NewReplacer("Name: told", "Name: said", "[bounce, renderingFailure]", "[deliveryDelay]", "[SEND]", "[SEND, BOUNCE]", "SendingEnabled: false", "SendingEnabled: true", "[BOUNCE]", "[COMPLAINT]", "ConfigurationSetAttributes: {ConfigurationSetName: !Ref Set}", "FeedbackAttributes: {}",
		"TextPart: text", "TextPart: changed", "Value: blue", "Value: red", "TemplateName: welcome", "TemplateName: hello").Replace(mailV1))
	if output(st, "Welcome") != "hello" {
		t.Errorf("outputs: %v", st.Outputs)
	}
	domain = ask(l, v2.GetEmailIdentity, &v2.GetEmailIdentityRequest{EmailIdentity: ptr("shop.example")})
	if domain.ConfigurationSetName != nil || len(domain.Tags) != 1 || *domain.Tags[0].Value != "red" {
		t.Errorf("the domain is %+v", domain)
	}
	have = ask(l, v2.GetConfigurationSet, &v2.GetConfigurationSetRequest{ConfigurationSetName: &set})
	if !*have.SendingOptions.SendingEnabled || !cmp.Equal(have.SuppressionOptions.SuppressedReasons, []string{"COMPLAINT"}) {
		t.Errorf("the set is %+v, %+v", have.SendingOptions, have.SuppressionOptions)
	}
	if got := told(); !cmp.Equal(got, []string{"app false [SEND BOUNCE]", "said true [DELIVERY_DELAY]"}) {
		t.Errorf("destinations: %q", got)
	}
	var names []string
	for _, m := range ask(l, v2.ListEmailTemplates, &v2.ListEmailTemplatesRequest{}).TemplatesMetadata {
		names = append(names, *m.TemplateName)
	}
	if len(names) != 2 || names[1] != "hello" {
		t.Errorf("templates: %v", names)
	}
	if content := ask(l, v2.GetEmailTemplate, &v2.GetEmailTemplateRequest{TemplateName: ptr("hello")}).TemplateContent; *content.Text != "changed" {
		t.Errorf("the template is %+v", content)
	}
	arn := scope.Of("ses", "template/hello").String()
	if tags := ask(l, v2.ListTagsForResource, &v2.ListTagsForResourceRequest{ResourceArn: &arn}).Tags; len(tags) != 1 || *tags[0].Value != "red" {
		t.Errorf("tags: %+v", tags)
	}
	l.down()
	if left := ask(l, v2.ListEmailIdentities, &v2.ListEmailIdentitiesRequest{}).EmailIdentities; len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
	if left := ask(l, v2.ListConfigurationSets, &v2.ListConfigurationSetsRequest{}).ConfigurationSets; len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if left := ask(l, v2.ListEmailTemplates, &v2.ListEmailTemplatesRequest{}).TemplatesMetadata; len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
}
