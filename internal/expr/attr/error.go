package attr

// Error is a message of DynamoDB's about a value: the text of a ValidationException, without the prefix that some
// parameters add.
type Error string

func (e Error) Error() string { return string(e) }

// TypeError is JSON of the wrong shape for an AttributeValue: the text of a SerializationException, which DynamoDB
// answers before it validates anything.
type TypeError string

func (e TypeError) Error() string { return string(e) }
