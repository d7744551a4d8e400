// Package manifest is what the readers of manifests have in common: the files that people already have (serverless.yml,
// SAM templates, service lists) all become a [Project], which is one CloudFormation template and the list of the code that
// its functions and layers need.
//
// A reader lives in a package of its own below this one (serverless, ...). It reads files, resolves what its format can
// refer to, checks the shape with package schema, and compiles. It never starts, builds or deploys anything: the builder
// turns each [Code] into an artifact, [Project.Deployable] puts the artifacts into the template, and the stack engine
// applies it.
//
// Code stands in the template as a reference of our own, because nothing is uploaded to a deployment bucket:
//
//	Code: {"nube:Path": "functions/userapi"}          as compiled: where the code is, relative to the project
//	Code: {"nube:Artifact": "<digest>"}               as deployed: what the builder made of it
//
// Invariants: paths in a Project are relative to its directory and use slashes; Inputs hold every file that was read or
// looked for, so that a watcher which sees none of them change may keep the Project.
package manifest
