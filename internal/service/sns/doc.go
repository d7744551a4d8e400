// Package sns is Amazon SNS: topics, their subscriptions, and publishing.
//
// A message is accepted in one transaction with an effect for each subscription
// that its filter policy lets it to ([delivery.Emit]); from then on delivery has
// it, with the retries and the dead-letter queue of the subscription. What the
// subscriptions of a protocol have in common is rendered and kept once; what is
// each one's own, its name and its link, stands in the head of its effect.
//
// It has no mobile push, no SMS, no Firehose subscriptions, no archive and no
// data protection: what asks for them is refused, and the operations answer that
// they are not offered, with the reason. Who publishes to a topic with a
// KmsMasterKeyId must be able to use the key.
//
// # Who takes the effects
//
//	lambda   the event, Records[].Sns; the service acts, for the topic
//	sqs      a [delivery.Message]: the envelope, or raw with its attributes; group and deduplication of a FIFO topic
//	mailto   a mail
//	http(s)  this package's own receiver ([HTTP]): the envelope or the raw message, x-amz-sns-* headers, the delivery policy
//
// It receives the scheme "sns" itself: a dead letter, a destination or a
// notification of another service to a topic is published for whoever sends it,
// as the topic's policy lets. The payload is the message; of the kind
// [delivery.KindMessage] it has attributes.
//
// # Signatures
//
// Messages are signed as AWS signs them, with a key of the cloud's own, RSA with
// 2,048 bits, made when the first message needs it. SigningCertURL is served by
// the AWS endpoint, over HTTP; a validator that insists on AWS's host names and
// HTTPS must be told otherwise. Messages of FIFO topics carry no signature.
//
// # Rows
//
// In generation 0 of the service "sns", in the cell of the topic:
//
//	"topic" name                         → topic; changes with each of its subscriptions
//	"sub" topic id                       → subscription
//	"endpoint" topic protocol endpoint   → id of the one subscription of an endpoint
//	"token" token                        → what the link in a confirmation does
//	"asked" time token                   → when, for forgetting it
//	"seq" topic                          → the last sequence number of a FIFO topic
//	"dedup" topic scope id               → the message that was accepted with that id
//	"accepted" topic time scope id       → when, for forgetting it
//
// and, in the cloud's own cell, "signer" → the key and its certificate. Values
// are JSON.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
//
// https://docs.aws.amazon.com/sns/latest/api/welcome.html
package sns
