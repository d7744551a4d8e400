package policy

import "strings"

// check goes through the stages that follow syntax, in IAM's order, and
// compiles the statements on the way.
func (p *parser) check() error {
	if !p.kind.hasPrincipal() && p.doc.version != version2012 {
		return &Error{Message: msgVersion, Field: "Version"}
	}
	if p.doc.version == "" {
		p.doc.version = version2008
	}
	var resourceErr *Error // of the formats; it waits for the stages before it
	for _, stage := range []func(i int, s *rawStatement) *Error{
		p.principals,
		p.effectAndConditions,
		func(i int, s *rawStatement) *Error {
			err := p.resourceFormats(s)
			if err != nil && err.Message == msgLegacy {
				err.Statement = i + 1
				return err
			}
			if err != nil && resourceErr == nil {
				err.Statement, resourceErr = i+1, err
			}
			return nil
		},
		p.sids,
		func(_ int, s *rawStatement) *Error {
			if len(s.actions) == 0 {
				return &Error{Message: msgNoActions, Field: "Action"}
			}
			return nil
		},
		func(int, *rawStatement) *Error {
			err := resourceErr
			resourceErr = nil
			return err
		},
		p.actions,
		p.resourcesPresent,
	} {
		for i := range p.raw {
			if err := stage(i, &p.raw[i]); err != nil {
				if err.Statement == 0 {
					err.Statement = i + 1
				}
				return err
			}
		}
	}
	return nil
}

func (p *parser) principals(i int, s *rawStatement) *Error {
	st := &p.doc.statements[i]
	switch {
	case s.principal == nil && p.kind.hasPrincipal():
		return &Error{Message: msgNoPrincipal, Field: "Principal"}
	case s.principal == nil:
		return nil
	case !p.kind.hasPrincipal():
		return &Error{Message: msgHasPrincipal, Field: s.principalIn}
	}
	st.hasPrincipal, st.notPrincipal = true, s.principalIn == "NotPrincipal"
	if s.principal.kind == isString { // "*"
		st.principals.everyone = true
		return nil
	}
	n := 0
	for j := range s.principal.members {
		m := &s.principal.members[j]
		list, _ := m.value.strings(true)
		n += len(list)
		for _, v := range list {
			switch m.name {
			case "AWS":
				if err := st.principals.addAWS(v); err != nil {
					e := err.(*Error)
					e.Field = s.principalIn
					return e
				}
			case "Service":
				st.principals.addService(v)
			case "Federated":
				st.principals.federated = append(st.principals.federated, v)
			case "CanonicalUser":
				st.principals.canonical = append(st.principals.canonical, v)
			}
		}
	}
	if n == 0 {
		return &Error{Message: msgNoPrincipal, Field: s.principalIn, Detail: "names nobody"}
	}
	return nil
}

func (p *parser) effectAndConditions(i int, s *rawStatement) *Error {
	st := &p.doc.statements[i]
	switch s.effect {
	case "Allow":
		st.effect = Allow
	case "Deny":
		st.effect = Deny
	default: // "allow" passes the first parser and not the second
		return &Error{Message: msgLegacy, Field: "Effect", Detail: `is "Allow" or "Deny"`}
	}
	if s.conditions == nil {
		return nil
	}
	for j := range s.conditions.members {
		op := &s.conditions.members[j]
		for k := range op.value.members {
			key := &op.value.members[k]
			values, _ := key.value.strings(true)
			c, err := newCondition(op.name, key.name, values, p.doc.version == version2012)
			if err != nil {
				return &Error{Message: msgLegacy, Field: "Condition", Detail: op.name + ", " + key.name + ": " + err.Error()}
			}
			st.conditions = append(st.conditions, c)
		}
	}
	return nil
}

func (p *parser) sids(i int, s *rawStatement) *Error {
	if s.sid == "" {
		return nil
	}
	if p.kind != Resource && p.kind != Key {
		for j := 0; j < len(s.sid); j++ {
			if c := lower(s.sid[j]); (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				return &Error{Message: msgSidChars, Field: "Sid", Detail: s.sid}
			}
		}
	}
	for j := range i {
		if p.raw[j].sid == s.sid {
			return &Error{Message: msgSidUnique, Field: "Sid", Detail: s.sid}
		}
	}
	return nil
}

func (p *parser) actions(i int, s *rawStatement) *Error {
	st := &p.doc.statements[i]
	st.notAction = s.actionsIn == "NotAction"
	for _, a := range s.actions {
		vendor, name, ok := strings.Cut(a, ":")
		switch {
		case !ok && a != "*":
			return &Error{Message: msgVendor, Field: s.actionsIn, Detail: a}
		case strings.Contains(name, ":"):
			return &Error{Message: msgOneColon, Field: s.actionsIn, Detail: a}
		case vendor != "*" && !validVendor(vendor):
			return &Error{Message: "Vendor " + vendor + " is not valid", Field: s.actionsIn, Detail: a}
		case p.kind == Trust && !trustAction(a):
			return &Error{Message: msgTrustActions, Field: s.actionsIn, Detail: a}
		}
	}
	st.actions = newActionSet(s.actions)
	return nil
}

func validVendor(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := lower(s[i]); (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return s != ""
}

func trustAction(a string) bool {
	return a == "*" || len(a) > 4 && strings.EqualFold(a[:4], "sts:")
}

func (p *parser) resourcesPresent(i int, s *rawStatement) *Error {
	st := &p.doc.statements[i]
	if p.kind == Trust {
		if s.hasResources {
			return &Error{Message: msgTrustResource, Field: s.resourcesIn}
		}
		return nil
	}
	if len(s.resources) == 0 {
		return &Error{Message: msgNoResources, Field: "Resource"}
	}
	st.notResource = s.resourcesIn == "NotResource"
	for _, r := range s.resources {
		st.resources = append(st.resources, parseResource(r, p.doc.version == version2012))
	}
	return nil
}

// resourceFormats checks that resources are ARNs or patterns of ARNs. IAM
// splits before it checks, so that "a:b:c" is reported as an ARN of the
// partition b, and fills what is left out with stars.
func (p *parser) resourceFormats(s *rawStatement) *Error {
	if p.kind == Trust {
		return nil
	}
	for _, r := range s.resources {
		if r == "*" {
			continue
		}
		if msg := resourceFormat(r); msg != "" {
			return &Error{Message: msg, Field: s.resourcesIn, Detail: r}
		}
	}
	return nil
}

func resourceFormat(r string) string {
	parts := strings.SplitN(r, ":", 6)
	if len(parts) == 1 {
		return "Resource " + r + ` must be in ARN format or "*".`
	}
	given := len(parts)
	for len(parts) < 6 {
		parts = append(parts, "*")
	}
	partition, service, region, account, resource := parts[1], parts[2], parts[3], parts[4], parts[5]
	switch {
	case !validPartition(partition):
		return `Partition "` + partition + `" is not valid for resource "arn:` + strings.Join(parts[1:], ":") + `".`
	case given < 3, strings.ContainsAny(service, "*?"):
		return msgResourceVendor
	case service == "", given < 6 && strings.Contains(r, "::"):
		return msgLegacy
	case service == "iam" && region != "" && given > 3:
		return "IAM resource " + r + " cannot contain region information."
	case service == "s3" && region != "" && account == "": // access points and jobs have both
		return "Resource " + r + " can not contain region information."
	case service == "iam" && given == 6 && !iamResource(resource):
		return msgIAMResource
	}
	return ""
}

func validPartition(s string) bool {
	switch s {
	case "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "*":
		return true
	}
	return false
}

// iamResource reports whether a resource of IAM begins as one of its types
// does, as far as the first wildcard or variable.
func iamResource(s string) bool {
	if s == "root" { // sts:AssumeRoot
		return true
	}
	head, wild := s, false
	if i := strings.IndexAny(s, "*?$"); i >= 0 {
		head, wild = s[:i], true
	}
	for _, start := range [...]string{
		"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
		"policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
		"delegation-request/", "role-template/", // younger than the message
	} {
		if strings.HasPrefix(head, start) || wild && strings.HasPrefix(start, head) {
			return true
		}
	}
	return false
}
