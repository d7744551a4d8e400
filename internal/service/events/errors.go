package events

import "github.com/nube-run/nube/internal/fault"

func invalid(format string, args ...any) *fault.Error { return fault.Validation(format, args...) }

func notFound(format string, args ...any) *fault.Error {
	return fault.New("ResourceNotFoundException", format, args...)
}

func alreadyThere(format string, args ...any) *fault.Error {
	return fault.New("ResourceAlreadyExistsException", format, args...)
}

func tooMany(format string, args ...any) *fault.Error {
	return fault.New("LimitExceededException", format, args...)
}

func noBus(b bus) *fault.Error { return notFound("Event bus %s does not exist.", b.name) }

func noRule(r rule) *fault.Error {
	return notFound("Rule %s does not exist on EventBus %s.", r.name, r.bus.name)
}

// managed is the refusal to change what a service of AWS keeps for itself.
func managed(r rule) *fault.Error {
	return fault.New("ManagedRuleException", "Rule %s is a managed rule.", r.name)
}

func concurrent() *fault.Error {
	return fault.New("ConcurrentModificationException", "It was changed at the same time. Try again.")
}
