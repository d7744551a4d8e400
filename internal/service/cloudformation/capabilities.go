package cloudformation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/stack/eval"
	"github.com/nube-run/nube/internal/template"
)

// required returns the capabilities that a template needs its deployer to
// acknowledge, and why.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
func required(t *template.Template) (capabilities []string, reason string) {
	var types []string
	named := false
	for _, r := range t.Resources {
		name, iam := identityName(r.Type)
		if !iam {
			continue
		}
		if !slices.Contains(types, r.Type) {
			types = append(types, r.Type)
		}
		named = named || name != "" && r.Properties.Has(name)
	}
	switch {
	case named:
		capabilities = append(capabilities, "CAPABILITY_NAMED_IAM")
	case types != nil:
		capabilities = append(capabilities, "CAPABILITY_IAM")
	}
	if types != nil {
		reason = fmt.Sprintf("The following resource(s) require capabilities: [%s]", strings.Join(types, ", "))
	}
	if names := transforms(t); names != nil {
		capabilities = append(capabilities, "CAPABILITY_AUTO_EXPAND")
		if reason == "" {
			reason = fmt.Sprintf("The following transform(s) require capabilities: [%s]", strings.Join(names, ", "))
		}
	}
	return capabilities, reason
}

// identityName reports whether a type changes who may do what, and the property
// with which such a resource can be named.
func identityName(typ string) (property string, iam bool) {
	switch typ {
	case "AWS::IAM::AccessKey", "AWS::IAM::Policy", "AWS::IAM::UserToGroupAddition":
		return "", true
	case "AWS::IAM::Group":
		return "GroupName", true
	case "AWS::IAM::InstanceProfile":
		return "InstanceProfileName", true
	case "AWS::IAM::ManagedPolicy":
		return "ManagedPolicyName", true
	case "AWS::IAM::Role":
		return "RoleName", true
	case "AWS::IAM::User":
		return "UserName", true
	}
	return "", false
}

func transforms(t *template.Template) []string {
	var names []string
	for _, v := range eval.Transforms(t) {
		names = append(names, v.Text)
	}
	return names
}

// acknowledged checks that the deployer has acknowledged what is required. The
// capability for named resources includes the other.
func acknowledged(t *template.Template, given []string) error {
	need, _ := required(t)
	for _, c := range need {
		if slices.Contains(given, c) || c == "CAPABILITY_IAM" && slices.Contains(given, "CAPABILITY_NAMED_IAM") {
			continue
		}
		return fault.New("InsufficientCapabilitiesException", "Requires capabilities : [%s]", c)
	}
	return nil
}
