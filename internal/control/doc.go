// Package control is the platform's own API, below /_nube/api/ on the AWS
// endpoint: status, settle, deploy, logs as they come, traces, mail, the clock,
// faults, snapshots, and which permissions were missing. The command line, the
// console and the clients of test suites use it and the AWS APIs, and nothing
// else.
//
// It decides nothing about the cloud: it asks the packages that do. It is no
// AWS API and imitates none.
//
// Requests are signed with Signature Version 4 for the service "nube" by the
// account's root key, also on loopback: a function has credentials of its own
// and could otherwise drive the platform. Answers are JSON; streams are one
// JSON object a line.
//
// Invariants: nobody but the account's root gets past [Server.ServeHTTP]; a
// request whose Host or Origin is another site's is refused, so that no web
// page reaches the API through a browser.
package control
