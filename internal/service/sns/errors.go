package sns

import "github.com/nube-run/nube/internal/fault"

// invalid is SNS's answer to parameters that it does not take.
func invalid(format string, args ...any) *fault.Error {
	return fault.New("InvalidParameter", "Invalid parameter: "+format, args...)
}

// badValue is its answer to message attributes that it does not take.
func badValue(format string, args ...any) *fault.Error {
	return fault.New("ParameterValueInvalid", format, args...)
}

func badToken() *fault.Error { return invalid("NextToken Reason: An invalid token was passed.") }

func noTopic() *fault.Error { return fault.New("NotFound", "Topic does not exist") }

func noSubscription() *fault.Error { return fault.New("NotFound", "Subscription does not exist") }
