package sqs

import (
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/fault"
)

// Codes are those of the model. Errors that it does not list keep the codes that
// they have in the query protocol.

func noQueue() *fault.Error {
	return fault.New("QueueDoesNotExist", "The specified queue does not exist.")
}

// invalid is SQS's answer to a parameter that it does not take.
func invalid(format string, args ...any) *fault.Error {
	return fault.New("InvalidParameterValue", format, args...)
}

// badValue is invalid with the value and the parameter, in SQS's words.
func badValue(value, parameter, reason string) *fault.Error {
	return invalid("Value %s for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func missing(parameter string) *fault.Error {
	return fault.New("MissingParameter", "The request must contain the parameter %s.", parameter)
}

func badAttribute(name string) *fault.Error {
	return fault.New("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

func badHandle(handle string) *fault.Error {
	return fault.New("ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", handle)
}

// unmet is the error of an input that breaks the model, whose only constraints are
// the members that must be there.
func unmet(_ *schema.Op, violations []string) *fault.Error {
	_, rest, _ := strings.Cut(violations[0], "'")
	path, _, _ := strings.Cut(rest, "'")
	return missing(parameterName(path))
}

// parameterName is a violation's path as the parameters are called:
// "entries.1.member.id" is Entries.1.Id.
func parameterName(path string) string {
	b := []byte(path)
	start := true
	for i, c := range b {
		if start && c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
		start = c == '.'
	}
	return string(b)
}

// queryError gives an error's code and status in the query protocol, which are
// older than those of the model.
//
// https://github.com/aws/aws-sdk-go-v2/blob/main/codegen/sdk-codegen/aws-models/sqs.json (awsQueryError)
func queryError(code string) (string, int) {
	const prefix = "AWS.SimpleQueueService."
	switch code {
	case "QueueDoesNotExist":
		return prefix + "NonExistentQueue", http.StatusBadRequest
	case "QueueNameExists":
		return "QueueAlreadyExists", http.StatusBadRequest
	case "BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId", "MessageNotInflight", "QueueDeletedRecently",
		"TooManyEntriesInBatchRequest", "UnsupportedOperation":
		return prefix + code, http.StatusBadRequest
	case "PurgeQueueInProgress":
		return prefix + code, http.StatusForbidden
	case "OverLimit", "AccessDenied", "RequestThrottled", "InvalidSecurity":
		return code, http.StatusForbidden
	case "ReceiptHandleIsInvalid", "ResourceNotFoundException", "InvalidAddress":
		return code, http.StatusNotFound
	case "InternalFailure", "InternalServerError":
		return "InternalError", http.StatusInternalServerError
	case "KmsAccessDenied", "KmsDisabled", "KmsInvalidState", "KmsInvalidKeyUsage", "KmsNotFound", "KmsOptInRequired", "KmsThrottled":
		name := "KMS." + strings.TrimPrefix(code, "Kms")
		if code != "KmsOptInRequired" {
			name += "Exception"
		}
		return name, http.StatusBadRequest
	case "ServiceUnavailable":
		return code, http.StatusServiceUnavailable
	}
	return code, http.StatusBadRequest
}
