package sns

import (
	"math/big"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/fault"
)

// checkAttributes checks message attributes.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func checkAttributes(attributes map[string]shapes.MessageAttributeValue) *fault.Error {
	for name, v := range attributes {
		if err := checkAttributeName(name); err != nil {
			return err
		}
		kind := value(v.DataType)
		base, custom, hasCustom := strings.Cut(kind, ".")
		if base != "String" && base != "Number" && base != "Binary" || hasCustom && custom == "" || len(kind) > 256 {
			return badValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		}
		switch {
		case v.StringValue != nil && base == "Binary":
			return badValue("The message attribute '%s' with type '%s' must use field 'Binary'.", name, kind)
		case v.BinaryValue != nil && base != "Binary":
			return badValue("The message attribute '%s' with type '%s' must use field 'String'.", name, kind)
		case value(v.StringValue) == "" && len(v.BinaryValue) == 0:
			return badValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, kind)
		}
		if base == "Number" {
			if _, _, err := big.ParseFloat(value(v.StringValue), 10, 64, big.ToNearestEven); err != nil {
				return badValue("Could not cast message attribute '%s' value to number.", name)
			}
		}
	}
	return nil
}

func checkAttributeName(name string) *fault.Error {
	switch {
	case len(name) > 256:
		return badValue("Length of message attribute name must be less than 256 bytes.")
	case strings.HasPrefix(name, "."):
		return badValue("Invalid message attribute name starting with character '.' was found.")
	case strings.HasSuffix(name, "."):
		return badValue("Invalid message attribute name ending with character '.' was found.")
	case strings.Contains(name, ".."):
		return badValue("Message attribute name can not have successive '.' character.")
	}
	for _, r := range name {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			continue
		}
		return badValue("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.", r)
	}
	return nil
}
