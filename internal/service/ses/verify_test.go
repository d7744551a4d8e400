package ses

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// open follows a link and returns the status and the page.
func (b *bed) open(method, link string) (int, string) {
	w := httptest.NewRecorder()
	b.s.ServeLink(w, httptest.NewRequest(method, link, nil))
	return w.Code, w.Body.String()
}

// TestVerification: where senders are checked, the link in the mail is what lets
// an address send.
func TestVerification(t *testing.T) {
	b := newBed(t, Options{Verify: true})
	const send = `{"Source":"ana@example.com","Destination":{"ToAddresses":["x@example.com"]},"Message":{"Subject":{"Data":"x"},"Body":{"Text":{"Data":"x"}}}}`
	b.do("v1.VerifyEmailIdentity", `{"EmailAddress":"ana@example.com"}`, nil)
	if got := b.try("v1.SendEmail", send); !strings.HasPrefix(got, "MessageRejected: ") {
		t.Fatalf("before: %s", got)
	}
	_, raw, err := b.s.Mail(b.ctx, here, b.mails(Query{To: "ana@example.com"})[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(raw)) // its lines may be folded
	link := regexp.MustCompile(`http://\S+`).FindString(text)
	for _, wrong := range []string{strings.Replace(link, "token=", "token=x", 1), strings.Replace(link, "ana", "bo", 1), strings.Replace(link, "eu-west-1", "us-east-1", 1), LinkPath} {
		if code, page := b.open(http.MethodGet, wrong); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", wrong, code, page)
		}
	}
	if code, _ := b.open(http.MethodPost, link); code != http.StatusMethodNotAllowed {
		t.Errorf("a POST: %d", code)
	}
	if got := b.try("v1.SendEmail", send); !strings.HasPrefix(got, "MessageRejected: ") {
		t.Fatalf("after wrong links: %s", got)
	}
	for range 2 { // the second time nothing changes
		if code, page := b.open(http.MethodGet, link); code != http.StatusOK || !strings.Contains(page, "ana@example.com is verified") {
			t.Fatalf("%s: %d %s", link, code, page)
		}
	}
	if got := b.try("v1.SendEmail", send); !strings.HasPrefix(got, "{") {
		t.Errorf("after: %s", got)
	}
}

// TestLinkPageIsText: what a link carries is never HTML.
func TestLinkPageIsText(t *testing.T) {
	b := newBed(t, Options{})
	b.do("v1.VerifyEmailIdentity", `{"EmailAddress":"a&b@example.com"}`, nil)
	id, err := b.s.viewIdentity(b.ctx, "a&b@example.com")
	if err != nil {
		t.Fatal(err)
	}
	_, page := b.open(http.MethodGet, LinkPath+"?account="+testAccount+"&region="+testRegion+"&identity=a%26b@example.com&token="+id.Token)
	if !strings.Contains(page, "a&amp;b@example.com is verified") {
		t.Errorf("the page is %s", page)
	}
}

// keys are the condition keys of sending.
func keys() []string {
	return []string{"ses:fromaddress", "ses:fromdisplayname", "ses:feedbackaddress", "ses:recipients", "ses:apiversion"}
}

func shown(need []awsapi.Access) string {
	var out []string
	for _, n := range need {
		s := n.Action + " " + n.Resource.Resource()
		for _, k := range keys() {
			if v, ok := n.Keys.Key(k); ok {
				s += " " + strings.TrimPrefix(k, "ses:") + "=" + strings.Join(v.Strings(), "+")
			}
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

// TestAccess holds what sending takes.
func TestAccess(t *testing.T) {
	b := newBed(t, Options{})
	b.do("v1.VerifyDomainIdentity", `{"Domain":"shop.example"}`, nil)
	raw := []byte("From: Shop <info@shop.example>\r\nTo: Ana <ana@example.com>\r\nX-SES-CONFIGURATION-SET: c\r\n\r\nx")
	to := &v1.Destination{ToAddresses: []string{"Ana <ana@example.com>"}, BccAddresses: []string{"bo@example.com"}}
	content := func(c *v2.EmailContent) *v2.SendEmailRequest {
		return &v2.SendEmailRequest{FromEmailAddress: ptr("info@shop.example"), Destination: &v2.Destination{ToAddresses: []string{"ana@example.com"}}, Content: c, ConfigurationSetName: ptr("c")}
	}
	const sent = " fromaddress=info@shop.example feedbackaddress=info@shop.example recipients=ana@example.com"
	for name, c := range map[string]struct {
		need func(ctx context.Context) ([]awsapi.Access, error)
		want string
	}{
		"SendEmail": {func(ctx context.Context) ([]awsapi.Access, error) {
			return b.s.accessSendEmail(ctx, &v1.SendEmailRequest{Source: ptr("Shop <info@shop.example>"), Destination: to, ReturnPath: ptr("b@shop.example")})
		}, "ses:SendEmail identity/shop.example fromaddress=info@shop.example fromdisplayname=Shop feedbackaddress=b@shop.example recipients=ana@example.com+bo@example.com apiversion=1"},
		"of nobody's identity": {func(ctx context.Context) ([]awsapi.Access, error) {
			return b.s.accessSendEmail(ctx, &v1.SendEmailRequest{Source: ptr("x@Other.example"), Destination: to})
		}, "ses:SendEmail identity/x@other.example fromaddress=x@Other.example feedbackaddress=x@Other.example recipients=ana@example.com+bo@example.com apiversion=1"},
		"for somebody else": {func(ctx context.Context) ([]awsapi.Access, error) {
			return b.s.accessSendEmail(ctx, &v1.SendEmailRequest{Source: ptr("info@shop.example"), SourceArn: ptr("arn:aws:ses:eu-west-1:999999999999:identity/shop.example"), Destination: &v1.Destination{}})
		}, "ses:SendEmail identity/shop.example fromaddress=info@shop.example feedbackaddress=info@shop.example apiversion=1"},
		"SendRawEmail": {func(ctx context.Context) ([]awsapi.Access, error) {
			return b.s.accessSendRawEmail(ctx, &v1.SendRawEmailRequest{RawMessage: &v1.RawMessage{Data: raw}})
		}, "ses:SendRawEmail identity/shop.example fromaddress=info@shop.example fromdisplayname=Shop feedbackaddress=info@shop.example recipients=ana@example.com apiversion=1\n" +
			"ses:SendRawEmail configuration-set/c fromaddress=info@shop.example fromdisplayname=Shop feedbackaddress=info@shop.example recipients=ana@example.com apiversion=1"},
		"SendRawEmail for another": {func(ctx context.Context) ([]awsapi.Access, error) {
			return b.s.accessSendRawEmail(ctx, &v1.SendRawEmailRequest{
				Source: ptr("bounces@other.example"), SourceArn: ptr("arn:aws:ses:eu-west-1:999999999999:identity/other.example"), Destinations: []string{"ana@example.com"},
				ReturnPathArn: ptr("arn:aws:ses:eu-west-1:999999999999:identity/bounces@other.example"),
				RawMessage:    &v1.RawMessage{Data: []byte("From: info@shop.example\r\nReturn-Path: <bounces@other.example>\r\n\r\nx")},
			})
		}, "ses:SendRawEmail identity/other.example fromaddress=bounces@other.example feedbackaddress=bounces@other.example recipients=ana@example.com apiversion=1\n" +
			"ses:SendRawEmail identity/shop.example fromaddress=info@shop.example feedbackaddress=bounces@other.example recipients=ana@example.com apiversion=1\n" +
			"ses:SendRawEmail identity/bounces@other.example fromaddress=bounces@other.example feedbackaddress=bounces@other.example recipients=ana@example.com apiversion=1"},
		"SendTemplatedEmail": {func(ctx context.Context) ([]awsapi.Access, error) {
			return b.s.accessSendTemplatedEmail(ctx, &v1.SendTemplatedEmailRequest{Source: ptr("info@shop.example"), Destination: &v1.Destination{ToAddresses: []string{"ana@example.com"}}, Template: ptr("t")})
		}, "ses:SendTemplatedEmail identity/shop.example" + sent + " apiversion=1\nses:SendTemplatedEmail template/t" + sent + " apiversion=1"},
		"v2 simple": {func(ctx context.Context) ([]awsapi.Access, error) {
			return b.s.accessSendV2(ctx, content(&v2.EmailContent{Simple: &v2.Message{}}))
		}, "ses:SendEmail identity/shop.example" + sent + " apiversion=2\nses:SendEmail configuration-set/c" + sent + " apiversion=2"},
		"v2 raw": {func(ctx context.Context) ([]awsapi.Access, error) {
			return b.s.accessSendV2(ctx, content(&v2.EmailContent{Raw: &v2.RawMessage{Data: raw}}))
		}, "ses:SendRawEmail identity/shop.example" + sent + " apiversion=2\nses:SendRawEmail configuration-set/c" + sent + " apiversion=2"},
		"v2 raw from another": {func(ctx context.Context) ([]awsapi.Access, error) {
			in := content(&v2.EmailContent{Raw: &v2.RawMessage{Data: []byte("From: boss@other.example\r\nX-SES-FROM-ARN: arn:aws:ses:eu-west-1:999999999999:identity/other.example\r\n\r\nx")}})
			in.ConfigurationSetName = nil
			return b.s.accessSendV2(ctx, in)
		}, "ses:SendRawEmail identity/shop.example" + sent + " apiversion=2\nses:SendRawEmail identity/other.example" + strings.Replace(sent, "info@shop", "boss@other", 1) + " apiversion=2"},
		"v2 template": {func(ctx context.Context) ([]awsapi.Access, error) {
			in := content(&v2.EmailContent{Template: &v2.Template{TemplateArn: ptr("arn:aws:ses:eu-west-1:123456789012:template/t")}})
			in.ConfigurationSetName = nil
			return b.s.accessSendV2(ctx, in)
		}, "ses:SendEmail identity/shop.example" + sent + " apiversion=2\nses:SendEmail template/t" + sent + " apiversion=2"},
		"v2 bulk": {func(ctx context.Context) ([]awsapi.Access, error) {
			return b.s.accessSendBulkV2(ctx, &v2.SendBulkEmailRequest{
				FromEmailAddress: ptr("info@shop.example"), DefaultContent: &v2.BulkEmailContent{Template: &v2.Template{TemplateName: ptr("t")}},
				BulkEmailEntries: []v2.BulkEmailEntry{{Destination: &v2.Destination{ToAddresses: []string{"ana@example.com"}}}},
			})
		}, "ses:SendBulkEmail identity/shop.example" + sent + " apiversion=2\nses:SendBulkEmail template/t" + sent + " apiversion=2"},
	} {
		t.Run(name, func(t *testing.T) {
			need, err := c.need(b.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(need); got != c.want {
				t.Errorf("takes\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestIdentityOfAnotherAddress: an identity that a request names permits to send
// from the addresses that it covers, and from no others.
func TestIdentityOfAnotherAddress(t *testing.T) {
	b := newBed(t, Options{})
	const prefix = "arn:aws:ses:eu-west-1:123456789012:"
	for identity, covers := range map[string]bool{
		prefix + "identity/ana@shop.example": true, prefix + "identity/SHOP.example": true, prefix + "identity/other.example": false,
		prefix + "identity/bo@shop.example": false, prefix + "configuration-set/shop.example": false, "shop.example": false,
	} {
		_, err := b.s.accessSendEmail(b.ctx, &v1.SendEmailRequest{Source: ptr("Ana <ana@shop.example>"), SourceArn: &identity, Destination: &v1.Destination{}})
		if covers != (err == nil) || err != nil && !fault.Is(err, invalidParameter) {
			t.Errorf("%s: %v", identity, err)
		}
		_, err = b.s.accessSendV2(b.ctx, &v2.SendEmailRequest{FromEmailAddress: ptr("ana@shop.example"), FromEmailAddressIdentityArn: &identity, Content: &v2.EmailContent{}})
		if covers != (err == nil) || err != nil && !fault.Is(err, badRequest) {
			t.Errorf("v2 %s: %v", identity, err)
		}
	}
}

// TestTemplateOfAnotherAccount: a template is that of its ARN, not one of the same name.
func TestTemplateOfAnotherAccount(t *testing.T) {
	b := newBed(t, Options{})
	for _, arn := range []string{"arn:aws:ses:eu-west-1:999999999999:template/t", "arn:aws:ses:us-east-1:123456789012:template/t", "arn:aws:ses:eu-west-1:123456789012:identity/t", "t"} {
		_, err := b.s.accessSendV2(b.ctx, &v2.SendEmailRequest{FromEmailAddress: ptr("a@b.example"), Content: &v2.EmailContent{Template: &v2.Template{TemplateArn: &arn}}})
		if !fault.Is(err, "NotFoundException") {
			t.Errorf("%s: %v", arn, err)
		}
		_, err = b.s.accessSendBulkV2(b.ctx, &v2.SendBulkEmailRequest{FromEmailAddress: ptr("a@b.example"), DefaultContent: &v2.BulkEmailContent{Template: &v2.Template{TemplateArn: &arn}}})
		if !fault.Is(err, "NotFoundException") {
			t.Errorf("bulk %s: %v", arn, err)
		}
		_, err = b.s.accessSendTemplatedEmail(b.ctx, &v1.SendTemplatedEmailRequest{Source: ptr("a@b.example"), Destination: &v1.Destination{}, Template: ptr("t"), TemplateArn: &arn})
		if !fault.Is(err, noTemplateCode) {
			t.Errorf("v1 %s: %v", arn, err)
		}
	}
}

// TestResourcePolicy: all policies of an identity take part in one decision.
func TestResourcePolicy(t *testing.T) {
	b := newBed(t, Options{})
	b.do("v1.VerifyDomainIdentity", `{"Domain":"shop.example"}`, nil)
	put := func(name, statement string) {
		b.do("v1.PutIdentityPolicy", `{"Identity":"shop.example","PolicyName":"`+name+`","Policy":"{\"Version\":\"2012-10-17\",\"Statement\":`+strings.ReplaceAll(statement, `"`, `\"`)+`}"}`, nil)
	}
	resource := arn.ARN("arn:aws:ses:eu-west-1:123456789012:identity/shop.example")
	allowed := func(action string) bool {
		doc, err := b.s.ResourcePolicy(b.ctx, resource)
		if err != nil {
			t.Fatal(err)
		}
		set := policy.Set{}
		if doc != nil {
			set.Resource = []*policy.Doc{doc}
		}
		return set.Evaluate(&policy.Request{Principal: policy.Principal{ARN: "arn:aws:iam::123456789012:user/ana"}, Action: action, Resource: resource, ResourceAccount: testAccount}).Allowed()
	}
	if allowed("ses:SendEmail") {
		t.Error("allowed without a policy")
	}
	put("a", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/ana"},"Action":["ses:SendEmail","ses:SendRawEmail"],"Resource":"*"}`)
	put("b", `[{"Effect":"Deny","Principal":"*","Action":"ses:SendRawEmail","Resource":"*"}]`)
	if !allowed("ses:SendEmail") || allowed("ses:SendRawEmail") {
		t.Errorf("SendEmail is allowed: %v, want true; SendRawEmail: %v, want false", allowed("ses:SendEmail"), allowed("ses:SendRawEmail"))
	}
	if doc, err := b.s.ResourcePolicy(b.ctx, "arn:aws:ses:eu-west-1:123456789012:template/t"); doc != nil || err != nil {
		t.Errorf("a template has the policy %v, %v", doc, err)
	}
}
