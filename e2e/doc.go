// Package e2e tries nube as a user does: it starts the program on the examples
// and talks to it with HTTP, the AWS CLI and AWS's SDKs for Go, JavaScript and
// Python. It imports nothing of nube.
//
// It waits by settling and by lines that the program prints, never by
// sleeping. NUBE names the program; without it the tests build it.
package e2e
