// Package serverless reads a serverless.yml, the manifest of the Serverless Framework v3 and of its open successor osls, into
// a [manifest.Project].
//
// [Load] finds the manifest, reads it with its positions, resolves the variables (package variables), checks the shape
// (package shape), finds the code of the functions, and compiles one CloudFormation template (package compile). Everything
// that is wrong is a diagnostic with file, line and column; nothing is skipped silently.
//
// What the Framework compiles is the specification: the oracle test holds the templates to those of osls, and [Differences]
// is the one list of what is different on purpose, each with its reason.
//
// Not here: serverless.ts and serverless.js, which are programs; plugins, which are code of the Framework's process; and
// the Framework's commands.
package serverless
