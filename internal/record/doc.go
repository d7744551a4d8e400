// Package record is what happened: which request caused what ([Cause]), the
// spans of every hop ([Traces]), what functions and APIs were given and answered
// ([Exchanges]), what functions wrote ([Logs]), and how much of everything there
// was ([Metrics]).
//
// The platform records by itself; applications are not instrumented for it.
// Everything here is telemetry: it may be dropped by age and by size, and a
// power cut may take the last moments of it. Therefore it lives in segment
// files of its own (package journal), never in the fsynced store, and nothing
// that must not be lost may depend on it. It is not CloudWatch either: that is
// service/logs and service/cloudwatch, which are APIs over this package.
//
// Invariants:
//   - What was appended can be read at once, by the same process. After a
//     crash it is there or it is not, whole records, in order; a torn tail is
//     cut off at the first record that does not match its checksum.
//   - Opening reads no segment: indexes are loaded, or rebuilt, at the first
//     question that needs them.
//   - Memory and disk are bounded by [Options], whatever is appended.
//   - Times are model time, so that what is shown agrees with what bodies and
//     events say; durations are machine time.
package record
