// Package awsapi is the wire and the front door of every AWS-compatible
// service: it finds the service and operation that a request means,
// authenticates and authorises the caller, decodes and validates the input,
// calls the handler, records what happened and encodes the answer. It happens
// here once, so a service is nothing but handlers of the form
// func(ctx, *Input) (*Output, error) in AWS's own names.
//
// A service registers like this:
//
//	svc := awsapi.NewService(&shapes.Model)
//	awsapi.Handle(svc, shapes.GetItem, accessGetItem, s.GetItem)
//
// where accessGetItem says which IAM actions on which resources the call needs
// ([Access]); nil means the operation's own action on "*". The composition
// root gives all services to [New], whose [Front] serves HTTP and is the
// [Caller] for calls inside the process. Those skip the codecs, never the
// authorisation: the [Actor] in the context is judged like any other caller.
//
// It is not a service, keeps no state of its own and forwards nothing to real
// AWS. An operation that a model has and no service handles is answered with
// HTTP 501 and a message that names it.
//
// Invariants: no handler runs for a caller that was not authorised; every
// request has an id, which stands in the answer, the log and the trace; an
// error that a handler did not code ([fault.Error]) is logged with that id and
// shown to the caller only as an internal failure.
//
// How AWS's protocols find their operation is documented at
// https://smithy.io/2.0/aws/protocols/index.html.
package awsapi
