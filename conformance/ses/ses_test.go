// Package ses holds SES's documentation to a server, through AWS's own SDKs of both API sets. Each case cites its page.
//
// Where mail ends is no part of the API, so what is sent goes to AWS's mailbox simulator.
package ses

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v1 "github.com/aws/aws-sdk-go-v2/service/ses"
	t1 "github.com/aws/aws-sdk-go-v2/service/ses/types"
	v2 "github.com/aws/aws-sdk-go-v2/service/sesv2"
	t2 "github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// success is a recipient that takes every mail.
//
// https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
const success = "success@simulator.amazonses.com"

func clients() (*v1.Client, *v2.Client) {
	return v1.NewFromConfig(target.Config()), v2.NewFromConfig(target.Config())
}

// sender is an address of a domain that is registered for the test.
func sender(t *testing.T) (address, domain string) {
	t.Helper()
	_, client := clients()
	domain = strings.ToLower(target.Name()) + ".example.com"
	_, err := client.CreateEmailIdentity(t.Context(), &v2.CreateEmailIdentityInput{EmailIdentity: &domain})
	target.Must(t, err)
	t.Cleanup(func() {
		client.DeleteEmailIdentity(t.Context(), &v2.DeleteEmailIdentityInput{EmailIdentity: &domain})
	})
	return "shop@" + domain, domain
}

func text(s string) *t1.Content  { return &t1.Content{Data: &s} }
func text2(s string) *t2.Content { return &t2.Content{Data: &s} }

// hasID checks a message's id, which begins with the time in milliseconds.
func hasID(t *testing.T, id *string) {
	t.Helper()
	if id == nil || !regexp.MustCompile(`^[0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-[0-9]{6}$`).MatchString(*id) {
		t.Errorf("message id %v", aws.ToString(id))
	}
}

// https://docs.aws.amazon.com/ses/latest/APIReference/API_SendEmail.html
func TestSendEmail(t *testing.T) {
	client, _ := clients()
	from, _ := sender(t)
	message := &t1.Message{Subject: text("Hello"), Body: &t1.Body{Text: text("text"), Html: text("<p>HTML</p>")}}
	out, err := client.SendEmail(t.Context(), &v1.SendEmailInput{
		Source: aws.String("Shop <" + from + ">"), Destination: &t1.Destination{ToAddresses: []string{success}, BccAddresses: []string{success}},
		Message: message, ReplyToAddresses: []string{from}, Tags: []t1.MessageTag{{Name: aws.String("a"), Value: aws.String("b")}},
	})
	target.Must(t, err)
	hasID(t, out.MessageId)

	_, err = client.SendEmail(t.Context(), &v1.SendEmailInput{Source: &from, Destination: &t1.Destination{ToAddresses: []string{"nobody"}}, Message: message})
	target.Refused(t, err, "InvalidParameterValue", "Missing final '@domain'")
	_, err = client.SendEmail(t.Context(), &v1.SendEmailInput{
		Source: &from, Destination: &t1.Destination{ToAddresses: []string{success}}, Message: message, ConfigurationSetName: aws.String(target.Name()),
	})
	target.Refused(t, err, "ConfigurationSetDoesNotExist", "does not exist")
	_, err = client.SendEmail(t.Context(), &v1.SendEmailInput{Source: &from, Destination: &t1.Destination{ToAddresses: slices.Repeat([]string{success}, 51)}, Message: message})
	target.Refused(t, err, "InvalidParameterValue", "Recipient count exceeds 50")
}

// https://docs.aws.amazon.com/ses/latest/APIReference/API_SendRawEmail.html
func TestSendRawEmail(t *testing.T) {
	client, second := clients()
	from, _ := sender(t)
	raw := "From: " + from + "\r\nTo: " + success + "\r\nSubject: raw\r\n\r\ntext\r\n"
	out, err := client.SendRawEmail(t.Context(), &v1.SendRawEmailInput{RawMessage: &t1.RawMessage{Data: []byte(raw)}})
	target.Must(t, err)
	hasID(t, out.MessageId)
	out2, err := second.SendEmail(t.Context(), &v2.SendEmailInput{Content: &t2.EmailContent{Raw: &t2.RawMessage{Data: []byte(raw)}}})
	target.Must(t, err)
	hasID(t, out2.MessageId)
	_, err = client.SendRawEmail(t.Context(), &v1.SendRawEmailInput{RawMessage: &t1.RawMessage{Data: []byte("To: " + success + "\r\n\r\ntext")}})
	target.Refused(t, err, "InvalidParameterValue", "Missing required header 'From'.")
}

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
func TestSendEmailV2(t *testing.T) {
	_, client := clients()
	from, _ := sender(t)
	send := func(c *t2.EmailContent) error {
		out, err := client.SendEmail(t.Context(), &v2.SendEmailInput{FromEmailAddress: &from, Destination: &t2.Destination{ToAddresses: []string{success}}, Content: c})
		if err == nil {
			hasID(t, out.MessageId)
		}
		return err
	}
	target.Must(t, send(&t2.EmailContent{Simple: &t2.Message{
		Subject: text2("Hello"), Body: &t2.Body{Text: text2("text")}, Headers: []t2.MessageHeader{{Name: aws.String("X-Shop"), Value: aws.String("1")}},
		Attachments: []t2.Attachment{{FileName: aws.String("a.txt"), RawContent: []byte("text")}},
	}}))
	target.Must(t, send(&t2.EmailContent{Template: &t2.Template{
		TemplateContent: &t2.EmailTemplateContent{Subject: aws.String("{{a}}"), Text: aws.String("text")}, TemplateData: aws.String(`{"a":1}`),
	}}))
	err := send(&t2.EmailContent{Template: &t2.Template{TemplateName: aws.String(target.Name()), TemplateData: aws.String("{}")}})
	var missing *t2.NotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("a template that does not exist: %v", err)
	}
	target.Refused(t, send(&t2.EmailContent{}), "BadRequestException", "")
}

// template makes a template and deletes it at the end of the test.
func template(t *testing.T, subject, body string) string {
	t.Helper()
	client, _ := clients()
	name := target.Name()
	_, err := client.CreateTemplate(t.Context(), &v1.CreateTemplateInput{Template: &t1.Template{TemplateName: &name, SubjectPart: &subject, TextPart: &body}})
	target.Must(t, err)
	t.Cleanup(func() { client.DeleteTemplate(t.Context(), &v1.DeleteTemplateInput{TemplateName: &name}) })
	return name
}

// https://docs.aws.amazon.com/ses/latest/APIReference/API_CreateTemplate.html and the operations beside it, of both sets: what one makes the other
// has.
func TestTemplates(t *testing.T) {
	client, second := clients()
	name := template(t, "Hello {{name}}", "text")
	_, err := client.CreateTemplate(t.Context(), &v1.CreateTemplateInput{Template: &t1.Template{TemplateName: &name, SubjectPart: aws.String("x"), TextPart: aws.String("x")}})
	var exists *t1.AlreadyExistsException
	if !errors.As(err, &exists) {
		t.Errorf("made twice: %v", err)
	}
	_, err = client.CreateTemplate(t.Context(), &v1.CreateTemplateInput{Template: &t1.Template{TemplateName: aws.String(target.Name()), SubjectPart: aws.String("{{#if x}}"), TextPart: aws.String("x")}})
	target.Refused(t, err, "InvalidTemplate", "")
	_, err = client.CreateTemplate(t.Context(), &v1.CreateTemplateInput{Template: &t1.Template{TemplateName: aws.String(target.Name()), TextPart: aws.String("x")}})
	target.Refused(t, err, "InvalidParameterValue", "The subject must be specified.")
	got, err := second.GetEmailTemplate(t.Context(), &v2.GetEmailTemplateInput{TemplateName: &name})
	target.Must(t, err)
	if aws.ToString(got.TemplateContent.Subject) != "Hello {{name}}" || aws.ToString(got.TemplateContent.Text) != "text" || got.TemplateContent.Html != nil {
		t.Errorf("the template is %+v", got.TemplateContent)
	}
	_, err = second.UpdateEmailTemplate(t.Context(), &v2.UpdateEmailTemplateInput{TemplateName: &name, TemplateContent: &t2.EmailTemplateContent{Subject: aws.String("Hi"), Html: aws.String("<p>")}})
	target.Must(t, err)
	old, err := client.GetTemplate(t.Context(), &v1.GetTemplateInput{TemplateName: &name})
	target.Must(t, err)
	if aws.ToString(old.Template.SubjectPart) != "Hi" || aws.ToString(old.Template.HtmlPart) != "<p>" || old.Template.TextPart != nil {
		t.Errorf("the template is %+v", old.Template)
	}
	found := false
	pages := v2.NewListEmailTemplatesPaginator(second, &v2.ListEmailTemplatesInput{PageSize: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		target.Must(t, err)
		for _, m := range page.TemplatesMetadata {
			found = found || *m.TemplateName == name
		}
	}
	if !found {
		t.Error("the list has no template of that name")
	}
	_, err = client.DeleteTemplate(t.Context(), &v1.DeleteTemplateInput{TemplateName: &name})
	target.Must(t, err)
	_, err = client.GetTemplate(t.Context(), &v1.GetTemplateInput{TemplateName: &name})
	var gone *t1.TemplateDoesNotExistException
	if !errors.As(err, &gone) {
		t.Errorf("after the deletion: %v", err)
	}
	_, err = second.GetEmailTemplate(t.Context(), &v2.GetEmailTemplateInput{TemplateName: &name})
	target.Refused(t, err, "NotFoundException", "")
}

// https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-advanced.html, with texts of our own.
func TestRendering(t *testing.T) {
	client, second := clients()
	const data = `{"name":"Ana","contact":{"city":"Bengaluru"},"interests":[{"name":"Sports"},{"name":"Travel"}],"vip":true,"html":"<b>&</b>"}`
	for template2, want := range map[string]string{
		"{{name}} of {{contact.city}}":                                       "Ana of Bengaluru",
		"{{#each interests}}[{{name}}]{{/each}}":                             "[Sports][Travel]",
		"{{#if vip}}yes{{else}}no{{/if}} {{#if absent}}yes{{else}}no{{/if}}": "yes no",
		"{{html}}": "<b>&</b>",
		`{{#* inline "full"}}{{name}}!{{/inline}}{{> full}} {{#unless absent}}.{{/unless}}`: "Ana! .",
	} {
		name := template(t, "s", template2)
		out, err := client.TestRenderTemplate(t.Context(), &v1.TestRenderTemplateInput{TemplateName: &name, TemplateData: aws.String(data)})
		target.Must(t, err)
		if !strings.Contains(*out.RenderedTemplate, want) {
			t.Errorf("%s is rendered as\n%s\nwithout %s", template2, *out.RenderedTemplate, want)
		}
		out2, err := second.TestRenderEmailTemplate(t.Context(), &v2.TestRenderEmailTemplateInput{TemplateName: &name, TemplateData: aws.String(data)})
		target.Must(t, err)
		if !strings.Contains(*out2.RenderedTemplate, want) {
			t.Errorf("%s is rendered by the second set as\n%s\nwithout %s", template2, *out2.RenderedTemplate, want)
		}
	}
	name := template(t, "s", "{{absent}}")
	_, err := client.TestRenderTemplate(t.Context(), &v1.TestRenderTemplateInput{TemplateName: &name, TemplateData: aws.String(data)})
	target.Refused(t, err, "MissingRenderingAttribute", "Attribute 'absent' is not present in the rendering data.")
	_, err = client.TestRenderTemplate(t.Context(), &v1.TestRenderTemplateInput{TemplateName: &name, TemplateData: aws.String("{")})
	target.Refused(t, err, "InvalidRenderingParameter", "")
}

// https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html: what does not fit the data is accepted, and not sent.
func TestTemplatedEmail(t *testing.T) {
	client, second := clients()
	from, _ := sender(t)
	name := template(t, "Hello {{name}}", "{{city}}")
	for _, data := range []string{`{"name":"Ana","city":"Lima"}`, `{"name":"Ana"}`} {
		out, err := client.SendTemplatedEmail(t.Context(), &v1.SendTemplatedEmailInput{
			Source: &from, Destination: &t1.Destination{ToAddresses: []string{success}}, Template: &name, TemplateData: &data,
		})
		target.Must(t, err)
		hasID(t, out.MessageId)
	}
	_, err := client.SendTemplatedEmail(t.Context(), &v1.SendTemplatedEmailInput{
		Source: &from, Destination: &t1.Destination{ToAddresses: []string{success}}, Template: aws.String(target.Name()), TemplateData: aws.String("{}"),
	})
	target.Refused(t, err, "TemplateDoesNotExist", "does not exist")
	bulk, err := client.SendBulkTemplatedEmail(t.Context(), &v1.SendBulkTemplatedEmailInput{
		Source: &from, Template: &name, DefaultTemplateData: aws.String(`{"name":"friend","city":"here"}`), Destinations: []t1.BulkEmailDestination{
			{Destination: &t1.Destination{ToAddresses: []string{success}}, ReplacementTemplateData: aws.String(`{"name":"Ana"}`)},
			{Destination: &t1.Destination{ToAddresses: []string{success}}},
		},
	})
	target.Must(t, err)
	for _, s := range bulk.Status {
		if s.Status != t1.BulkEmailStatusSuccess {
			t.Errorf("status %s: %s", s.Status, aws.ToString(s.Error))
		}
		hasID(t, s.MessageId)
	}
	out, err := second.SendBulkEmail(t.Context(), &v2.SendBulkEmailInput{
		FromEmailAddress: &from, DefaultContent: &t2.BulkEmailContent{Template: &t2.Template{TemplateName: &name, TemplateData: aws.String(`{"name":"friend","city":"here"}`)}},
		BulkEmailEntries: []t2.BulkEmailEntry{{Destination: &t2.Destination{ToAddresses: []string{success}}}},
	})
	target.Must(t, err)
	if len(out.BulkEmailEntryResults) != 1 || out.BulkEmailEntryResults[0].Status != t2.BulkEmailStatusSuccess {
		t.Errorf("results %+v", out.BulkEmailEntryResults)
	}
}

// https://docs.aws.amazon.com/ses/latest/APIReference/API_VerifyDomainIdentity.html
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateEmailIdentity.html
func TestIdentities(t *testing.T) {
	client, second := clients()
	domain := strings.ToLower(target.Name()) + ".example.com"
	address := "ana@" + domain
	token, err := client.VerifyDomainIdentity(t.Context(), &v1.VerifyDomainIdentityInput{Domain: &domain})
	target.Must(t, err)
	if aws.ToString(token.VerificationToken) == "" {
		t.Error("there is no token")
	}
	_, err = client.VerifyEmailIdentity(t.Context(), &v1.VerifyEmailIdentityInput{EmailAddress: &address})
	target.Must(t, err)
	t.Cleanup(func() {
		for _, name := range []string{domain, address} {
			client.DeleteIdentity(t.Context(), &v1.DeleteIdentityInput{Identity: &name})
		}
	})
	attributes, err := client.GetIdentityVerificationAttributes(t.Context(), &v1.GetIdentityVerificationAttributesInput{Identities: []string{domain, address, "absent.example.com"}})
	target.Must(t, err)
	if len(attributes.VerificationAttributes) != 2 || aws.ToString(attributes.VerificationAttributes[domain].VerificationToken) != *token.VerificationToken {
		t.Errorf("attributes %+v", attributes.VerificationAttributes)
	}
	listed, err := client.ListIdentities(t.Context(), &v1.ListIdentitiesInput{IdentityType: t1.IdentityTypeDomain})
	target.Must(t, err)
	if !slices.Contains(listed.Identities, domain) || slices.Contains(listed.Identities, address) {
		t.Errorf("domains %v", listed.Identities)
	}
	got, err := second.GetEmailIdentity(t.Context(), &v2.GetEmailIdentityInput{EmailIdentity: &domain})
	target.Must(t, err)
	if got.IdentityType != t2.IdentityTypeDomain || len(got.DkimAttributes.Tokens) != 3 {
		t.Errorf("the domain is %+v, %+v", got, got.DkimAttributes)
	}
	_, err = second.CreateEmailIdentity(t.Context(), &v2.CreateEmailIdentityInput{EmailIdentity: &domain})
	target.Refused(t, err, "AlreadyExistsException", "")
	_, err = second.DeleteEmailIdentity(t.Context(), &v2.DeleteEmailIdentityInput{EmailIdentity: &domain})
	target.Must(t, err)
	_, err = second.GetEmailIdentity(t.Context(), &v2.GetEmailIdentityInput{EmailIdentity: &domain})
	target.Refused(t, err, "NotFoundException", "does not exist")
}

// https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html: conditions on the sender, the recipients and the API set.
func TestConditions(t *testing.T) {
	from, domain := sender(t)
	other := "other@" + domain
	message := &t1.Message{Subject: text("Hello"), Body: &t1.Body{Text: text("text")}}
	send := func(u target.User, from, to string) error {
		_, err := v1.NewFromConfig(u.Config).SendEmail(t.Context(), &v1.SendEmailInput{Source: &from, Destination: &t1.Destination{ToAddresses: []string{to}}, Message: message})
		return err
	}
	u := target.NewUser(t, `{"Effect":"Allow","Action":"ses:SendEmail","Resource":"*","Condition":{"StringEquals":{"ses:FromAddress":"`+from+`"}}}`)
	target.Must(t, send(u, from, success))
	target.Must(t, send(u, "Shop <"+from+">", success))
	target.Refused(t, send(u, other, success), "AccessDenied", "is not authorized to perform: ses:SendEmail on resource: arn:aws:ses:")

	u = target.NewUser(t, `{"Effect":"Allow","Action":"ses:SendEmail","Resource":"arn:aws:ses:*:*:identity/`+domain+`","Condition":{"ForAllValues:StringLike":{"ses:Recipients":"*@simulator.amazonses.com"}}}`)
	target.Must(t, send(u, other, success))
	target.Refused(t, send(u, other, "ana@example.com"), "AccessDenied", "ses:SendEmail")

	u = target.NewUser(t, `{"Effect":"Allow","Action":"ses:*","Resource":"*","Condition":{"StringEquals":{"ses:ApiVersion":"2"}}}`)
	target.Refused(t, send(u, from, success), "AccessDenied", "ses:SendEmail")
	_, err := v2.NewFromConfig(u.Config).GetAccount(t.Context(), &v2.GetAccountInput{})
	target.Must(t, err)
}

// https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-policies.html: a policy of the identity lets in whom none of their own does.
func TestSendingAuthorization(t *testing.T) {
	client, _ := clients()
	from, domain := sender(t)
	u := target.NewUser(t, "")
	message := &t1.Message{Subject: text("Hello"), Body: &t1.Body{Text: text("text")}}
	send := func() error {
		_, err := v1.NewFromConfig(u.Config).SendEmail(t.Context(), &v1.SendEmailInput{Source: &from, Destination: &t1.Destination{ToAddresses: []string{success}}, Message: message})
		return err
	}
	target.Refused(t, send(), "AccessDenied", "ses:SendEmail")
	_, err := client.PutIdentityPolicy(t.Context(), &v1.PutIdentityPolicyInput{Identity: &domain, PolicyName: aws.String("p"), Policy: aws.String(target.Policy(
		`{"Effect":"Allow","Principal":{"AWS":"` + u.ARN + `"},"Action":"ses:SendEmail","Resource":"*"}`))})
	target.Must(t, err)
	target.Must(t, send())
	_, err = client.DeleteIdentityPolicy(t.Context(), &v1.DeleteIdentityPolicyInput{Identity: &domain, PolicyName: aws.String("p")})
	target.Must(t, err)
	target.Refused(t, send(), "AccessDenied", "ses:SendEmail")
}

// https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html
func TestSuppressionList(t *testing.T) {
	_, client := clients()
	address := strings.ToLower(target.Name()) + "@example.com"
	_, err := client.PutSuppressedDestination(t.Context(), &v2.PutSuppressedDestinationInput{EmailAddress: &address, Reason: t2.SuppressionListReasonBounce})
	target.Must(t, err)
	got, err := client.GetSuppressedDestination(t.Context(), &v2.GetSuppressedDestinationInput{EmailAddress: &address})
	target.Must(t, err)
	if got.SuppressedDestination.Reason != t2.SuppressionListReasonBounce || time.Since(*got.SuppressedDestination.LastUpdateTime) > time.Hour {
		t.Errorf("it is %+v", got.SuppressedDestination)
	}
	_, err = client.DeleteSuppressedDestination(t.Context(), &v2.DeleteSuppressedDestinationInput{EmailAddress: &address})
	target.Must(t, err)
	_, err = client.GetSuppressedDestination(t.Context(), &v2.GetSuppressedDestinationInput{EmailAddress: &address})
	target.Refused(t, err, "NotFoundException", "does not exist on your suppression list")
}

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateConfigurationSet.html
func TestConfigurationSets(t *testing.T) {
	client, second := clients()
	from, _ := sender(t)
	name := target.Name()
	_, err := second.CreateConfigurationSet(t.Context(), &v2.CreateConfigurationSetInput{
		ConfigurationSetName: &name, SendingOptions: &t2.SendingOptions{SendingEnabled: false}, Tags: []t2.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	target.Must(t, err)
	message := &t1.Message{Subject: text("Hello"), Body: &t1.Body{Text: text("text")}}
	_, err = client.SendEmail(t.Context(), &v1.SendEmailInput{Source: &from, Destination: &t1.Destination{ToAddresses: []string{success}}, Message: message, ConfigurationSetName: &name})
	var paused *t1.ConfigurationSetSendingPausedException
	if !errors.As(err, &paused) {
		t.Errorf("a set that is paused: %v", err)
	}
	_, err = client.DescribeConfigurationSet(t.Context(), &v1.DescribeConfigurationSetInput{ConfigurationSetName: &name})
	target.Must(t, err)
	got, err := second.GetConfigurationSet(t.Context(), &v2.GetConfigurationSetInput{ConfigurationSetName: &name})
	target.Must(t, err)
	if got.SendingOptions.SendingEnabled || len(got.Tags) != 1 {
		t.Errorf("the set is %+v", got)
	}
	_, err = second.DeleteConfigurationSet(t.Context(), &v2.DeleteConfigurationSetInput{ConfigurationSetName: &name})
	target.Must(t, err)
	_, err = client.DeleteConfigurationSet(t.Context(), &v1.DeleteConfigurationSetInput{ConfigurationSetName: &name})
	target.Refused(t, err, "ConfigurationSetDoesNotExist", "does not exist")
}

// https://docs.aws.amazon.com/ses/latest/APIReference/API_GetSendQuota.html
func TestAccount(t *testing.T) {
	client, second := clients()
	from, _ := sender(t)
	before, err := client.GetSendQuota(t.Context(), &v1.GetSendQuotaInput{})
	target.Must(t, err)
	_, err = client.SendEmail(t.Context(), &v1.SendEmailInput{
		Source: &from, Destination: &t1.Destination{ToAddresses: []string{success}}, Message: &t1.Message{Subject: text("Hello"), Body: &t1.Body{Text: text("text")}},
	})
	target.Must(t, err)
	after, err := client.GetSendQuota(t.Context(), &v1.GetSendQuotaInput{})
	target.Must(t, err)
	if after.SentLast24Hours <= before.SentLast24Hours {
		t.Errorf("sent in a day: %v, and then %v", before.SentLast24Hours, after.SentLast24Hours)
	}
	stats, err := client.GetSendStatistics(t.Context(), &v1.GetSendStatisticsInput{})
	target.Must(t, err)
	if len(stats.SendDataPoints) == 0 {
		t.Error("there are no statistics")
	}
	account, err := second.GetAccount(t.Context(), &v2.GetAccountInput{})
	target.Must(t, err)
	if !account.SendingEnabled || account.SendQuota == nil {
		t.Errorf("the account is %+v", account)
	}
}
