// Package email writes and reads mail messages: header fields and MIME bodies,
// RFC 5322 and RFC 2045 to 2049.
//
// [Message] is what a program wants to say, [Message.Bytes] its wire form; [Read]
// takes any message apart into what people look at. Reading is lenient, because
// what programs send is not always right: a part that cannot be decoded is shown
// as it came, and only what has no header at all is an error.
//
// It knows no transport and keeps nothing.
//
// Invariants: the same Message has the same bytes; reading them returns the
// addresses, the subject, the texts and the attachments that it was made of.
package email
