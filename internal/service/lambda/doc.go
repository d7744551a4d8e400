// Package lambda is AWS Lambda: functions, their versions, aliases, layers,
// policies and configurations, as handlers over the generated shapes, and their
// invocation by the runner.
//
// A function's row holds all that can change about it, so that an invocation
// reads one row and every change of a function is one conflict. What is
// published is a row of its own and never changes. Code is an artifact of the
// build store, named by its digest: uploaded archives are unpacked there, and
// what nube has built of a project is referred to in the place of an object of
// S3, as the bucket "nube-artifacts" and the digest.
//
// An asynchronous invocation is an effect (package delivery), committed before
// it is acknowledged; retries, age and destinations are its policy.
//
// A function's URL is found by its id; [URLs] answers requests to it with what
// the function says.
//
// It does not start processes (package runner) or poll queues and streams. What
// it cannot do is refused when it is asked for, not when the function runs.
//
// Invariants: the traffic of a function follows its row: an update whose code
// does not initialise, while instances are warm, leaves row and traffic as they
// were and is reported as a failed update; a published version never changes;
// an id is never given to a second function of the same name.
//
// https://docs.aws.amazon.com/lambda/latest/api/welcome.html
package lambda
