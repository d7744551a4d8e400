package policy

import "fmt"

// An Error says why a document is not a policy.
type Error struct {
	// Message is what IAM answers, under the code MalformedPolicyDocument. It
	// is meant for the wire as it stands.
	Message string

	// Detail says what IAM leaves out: what exactly is wrong. It may be empty.
	Detail string

	// Statement is the number of the statement at fault, from 1; 0 when it is
	// the document.
	Statement int

	// Field is the element at fault, when there is one: "Resource",
	// "Principal", … Services whose messages differ from IAM's go by it.
	Field string
}

// Error returns the message, and in brackets what is known beyond it.
func (e *Error) Error() string {
	var where string
	switch {
	case e.Statement > 0 && e.Field != "":
		where = fmt.Sprintf("statement %d, %s", e.Statement, e.Field)
	case e.Statement > 0:
		where = fmt.Sprintf("statement %d", e.Statement)
	case e.Field != "":
		where = e.Field
	}
	switch {
	case where != "" && e.Detail != "":
		return e.Message + " (" + where + ": " + e.Detail + ")"
	case where != "" || e.Detail != "":
		return e.Message + " (" + where + e.Detail + ")"
	}
	return e.Message
}

// IAM's own words. Where IAM checks in stages, only the first stage that
// fails is reported, whatever else is wrong.
const (
	msgSyntax         = "Syntax errors in policy."
	msgLeadingSpace   = "JSON strings must not have leading spaces"
	msgVersion        = "Policy document must be version 2012-10-17 or greater."
	msgLegacy         = "The policy failed legacy parsing"
	msgSidUnique      = "Statement IDs (SID) in a single policy must be unique."
	msgSidChars       = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
	msgNoActions      = "Policy statement must contain actions."
	msgNoResources    = "Policy statement must contain resources."
	msgVendor         = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	msgOneColon       = "Actions/Condition can contain only one colon."
	msgResourceVendor = "Resource vendor must be fully qualified and cannot contain regexes."
	msgNoPrincipal    = "Missing required field Principal"
	msgHasPrincipal   = "Policy document should not specify a principal."
	msgTrustResource  = "Has prohibited field Resource"
	msgTrustActions   = "AssumeRole policy may only specify STS AssumeRole actions."
	msgIAMResource    = `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`
)
