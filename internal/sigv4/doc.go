// Package sigv4 verifies AWS Signature Version 4, in headers, in presigned
// URLs and in the chunks of a streamed body, and signs for our own tests.
//
// A [Verifier] takes a [Request] apart, asks the caller for the secret of its
// access key, and compares signatures. What is wrong comes back as an [Error],
// which knows its code, status and text in each of AWS's protocols.
//
// The package knows nothing of accounts, policies or HTTP servers. It is given
// the time: signatures live on the machine's clock, never on the model's, and
// sessions' expiry is the business of whoever looks the key up.
//
// Invariants:
//   - The only way to a nil error is a signature that was compared in constant
//     time with one computed over the request as it was received.
//   - Nothing about a secret ever appears in an error.
//   - A Verifier holds at most as many signing keys as it was made for, and
//     may be used by any number of goroutines.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
package sigv4
