// Package events is Amazon EventBridge: buses, rules, their targets, archives and
// replays, connections and API destinations.
//
// An event is accepted in one transaction with an effect for each target of each
// rule that it matches ([delivery.Emit]); from then on delivery has it, with the
// retries and the dead-letter queue of the target. Which rules match is found in
// an index of the bus's patterns (package pattern), which is made when the first
// event comes and then follows the changes of single rules.
//
// It has no partner event sources, no global endpoints and no schema discovery.
// Targets of services that the cloud does not offer are refused when they are
// put. KmsKeyIdentifier of a bus is asked of KMS when events come, which go to the
// bus's dead-letter queue when EventBridge may not use it; that of archives is
// refused.
//
// # Who takes the effects
//
//	lambda, sqs, sns   the services themselves; EventBridge acts, for the rule, or the target's role does
//	events             this package: an event of another bus, or another service's
//	events-logs        log groups: one log event for each event
//	events-http        API destinations
//	events-archive     archives
//	events-dead        what is given up, with the reason, for the target's dead-letter queue
//
// An event goes from one bus to another once: a rule does not send on what came
// from a rule.
//
// # As AWS does it
//
// An event for a bus that does not exist is acknowledged and dropped. A rule that
// is scheduled fires on the model clock; what fell due while the cloud was down
// more than five minutes ago is left out, so that a start is no flood. Roles of
// targets must trust EventBridge when they are put.
//
// # Rows
//
// In generation 0 of the service "events", in the cell of the bus:
//
//	"bus" name                    → bus; the default one has a row only once it was changed
//	"rule" bus name               → rule with its targets
//	"rules" bus                   → counts the changes of the bus's rules
//	"changed" bus count           → name of the rule that changed with that count; the last ones are kept
//	"archive" name                → archive
//	"archived" archive id time id → event
//	"kept" archive id             → counter: how many events
//	"size" archive id             → counter: how many bytes
//	"replay" name                 → replay, with how far it has got
//	"connection" name             → connection; its secrets are sealed
//	"destination" name            → API destination
//
// Values are JSON. Timers of the kinds "events.schedule" (id: bus and rule) and
// "events.replay" (id: name) lie with package timer's.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/Welcome.html
package events
