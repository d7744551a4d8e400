// Package compile turns the configuration of a service, resolved and of the right shape, into a CloudFormation template: the
// one that the Serverless Framework would have written. Logical ids, names, properties, permissions and outputs are the
// Framework's, because other files refer to them; the oracle tests of package serverless hold every key to that. The few
// intended differences have a list of their own there.
//
// Resources are made in the Framework's order (log groups and role, functions, events in the order of its plugins), because
// the order decides where statements end up in the shared role and which of two equal ids wins.
//
// The package reads values leniently: what the shape forbids does not occur. It reports only what a shape cannot say, such
// as an authorizer that names a function which does not exist.
package compile
